import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { buildSea } from "../../builder/compile/build-sea.ts";
import { compileProgram, HUB, type Program } from "../../builder/release/compile-program.ts";
import { vectorsDir } from "../../test/vectors.ts";
import { WORKER_ASSET } from "./start-worker.ts";

t.setTimeout(120_000);

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const entry = "test/fakes/judge-pool-program.ts";
const workers = HUB.workers ?? [];
const dir = await mkdtemp(join(tmpdir(), "kubedos-pool-"));
t.teardown(() => rm(dir, { recursive: true, force: true }));

const good = ["0123456789abcdef", "SECRET_WRONG"];
const judged = [...good, ...good, ...good];

/** Runs from a folder in which nothing of the sources is. */
async function ask(argv: readonly [string, ...string[]]): Promise<unknown> {
  const [file, ...args] = argv;
  const { stdout } = await run(file, args, { cwd: dir, env: { KUBEDOS_VECTORS: vectorsDir }, timeout: 60_000 });
  return JSON.parse(stdout);
}

t.test("from the sources", async (t) => {
  t.same(await ask([process.execPath, join(root, entry)]), { codes: judged, lines: [] });
});

t.test("compiled by bun, as images hold it", async (t) => {
  const program = (name: string, more: Partial<Program>): Program => ({ name, entry, sources: ["hub", "proto", "test/fakes"], ...more });
  const { path } = await compileProgram(program("with", { workers }), dir, () => undefined);
  t.same(await ask([path]), { codes: judged, lines: [] });
  const without = await compileProgram(program("without", {}), dir, () => undefined);
  t.same(await ask([without.path]), { codes: judged, lines: ["verdicts share a thread with the streams: no thread came up"] }, "and without the thread's code it says so");
});

t.test("as one executable of Node", async (t) => {
  const [worker] = workers;
  const file = join(dir, "sea");
  await buildSea(join(root, entry), file, join(dir, "work"), { [WORKER_ASSET]: join(root, worker ?? "") });
  t.same(await ask([file]), { codes: judged, lines: [] });
});
