import { randomInt } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { until } from "../../test/fakes/live-node.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { toolchainArgv } from "../toolchain/toolchain-argv.ts";
import { Child } from "./child.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-child-"));
t.teardown(() => rmSync(dir, { recursive: true }));

/** Processes with this word in their command line. */
const count = (word: string): number =>
  globSync("/proc/[0-9]*/cmdline").filter((file) => {
    try {
      return readFileSync(file, "latin1").split("\0").includes(word);
    } catch {
      return false;
    }
  }).length;

t.test("ended in its first moments, it leaves nothing behind", async () => {
  const seconds = String(randomInt(100_000, 1_000_000));
  for (let i = 0; i < 30; i++) {
    const child = new Child("sleep", toolchainArgv(tc, ["sleep", seconds]), join(dir, "log"));
    await sleep(i % 10);
    await child.stop(0);
  }
  await until("all of them to be gone", () => count(seconds) === 0);
});

t.test("what runs is ended, and what ended says how", async (t) => {
  const [seconds, log] = [String(randomInt(100_000, 1_000_000)), join(dir, "log")];
  const child = new Child("sleep", toolchainArgv(tc, ["sleep", seconds]), log);
  await until("it to run", () => count(seconds) > 1);
  t.equal(child.running, true);
  await child.stop(0);
  t.match(await child.exited, /signal|exit code/);
  t.equal(child.running, false);
  await until("it to be gone", () => count(seconds) === 0);
  await child.stop(0);
  t.equal(await new Child("false", toolchainArgv(tc, ["false"]), log).exited, "exit code 1");
  t.match(await new Child("nothing", ["/no/such/program"], log).exited, /could not be started/);
});
