import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { HUB_PROCESS } from "../test/fakes/hub-child.ts";
import { killLine } from "../test/fakes/kill-line.ts";

t.setTimeout(120_000);

const bun = fileURLToPath(new URL("../node_modules/@oven/bun-linux-x64/bin/bun", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "kubedos-bun-"));
t.teardown(() => rmSync(dir, { recursive: true }));

t.test("the hub compiled by bun, as images hold it: kill -9 after each step", async (t) => {
  const hub = join(dir, "hub");
  const options = ["--compile", "--bytecode", "--format=esm", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const { status, stderr } = spawnSync(bun, ["build", ...options, "--outfile", hub, HUB_PROCESS], { encoding: "utf8", cwd: dir });
  t.equal(status, 0, stderr);
  await killLine(t, [hub]);
});
