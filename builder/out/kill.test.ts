import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import t from "tap";
import { sealing } from "../../test/fakes/sealed-release.ts";
import { healOut } from "./append-index.ts";
import { INDEX_FILE } from "./out-index.ts";
import { verifyOut } from "./verify-out.ts";

t.setTimeout(120_000);

const program = new URL("../../test/fakes/seal-program.ts", import.meta.url).pathname;
const world = await sealing(t);
const root = world.at("");
/** Moments, spread over a build. */
const KILLS = 2;
const [first, second] = ["0123456789abcdef", "1123456789abcdef"];

/** Runs a build; with `after` milliseconds, kills it so long after it has its keys. Gives how long it worked. */
async function build(out: string, id: string, generation: number, after?: number): Promise<number> {
  const child = spawn(process.execPath, [program, root, out, id, String(generation)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  let start = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== "opened") continue;
    start = performance.now();
    if (after !== undefined) setTimeout(() => child.kill("SIGKILL"), after);
  }
  await ended;
  return performance.now() - start;
}

t.test("a build that is killed at any moment leaves nothing half, and the next one ends where it would have", async (t) => {
  await build("whole", first, 1);
  const took = await build("whole", second, 2);
  const expected = readFileSync(world.at(`whole/demo/${INDEX_FILE}`), "utf8");
  for (let i = 0; i < KILLS; i++) {
    const out = `out-${i}`;
    await build(out, first, 1, (took * (i + 0.5)) / KILLS);
    const dir = world.at(`${out}/demo`);
    if (existsSync(join(dir, first))) t.same((await verifyOut({ kind: "release", dir: join(dir, first) }, [world.keys.releaseKey], () => undefined)).releases[0]?.findings, [], `${i}: what has its name is whole`);
    await build(out, second, 2, (took * (KILLS - 0.5 - i)) / KILLS);
    await build(out, first, 1);
    await build(out, second, 2);
    await healOut(world.outFolder(out));
    t.same(readdirSync(dir).sort(), [first, second, INDEX_FILE], `${i}: nothing else is left`);
    const { releases, index } = await verifyOut({ kind: "cluster", dir }, [world.keys.releaseKey], () => undefined);
    t.same([...releases.flatMap((r) => r.findings), ...(index?.findings ?? [])], [], `${i}: all of it verifies`);
    const lines = readFileSync(join(dir, INDEX_FILE), "utf8");
    if (lines.startsWith(expected.split("\n")[0] ?? "-")) t.equal(lines, expected, `${i}: and the index is what it would have been`);
  }
});
