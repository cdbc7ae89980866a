// `npm run build`: agent and hub as single executables, as they stand in the images; both a second time by Node.
import { copyFile, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { buildSea } from "../builder/compile/build-sea.ts";
import { AGENT, compileProgram, HUB } from "../builder/release/compile-program.ts";
import { WORKER_ASSET } from "../hub/judge-pool/start-worker.ts";
import { defaultCacheDir } from "../builder/toolchain/ensure-toolchain.ts";

const root = new URL("..", import.meta.url).pathname;
const out = join(defaultCacheDir, "bin");
await mkdir(out, { recursive: true });

async function make(name: string, run: (file: string) => Promise<void>): Promise<void> {
  const at = performance.now();
  const file = join(out, name);
  await rm(file, { force: true });
  await run(file);
  const megabytes = (await stat(file)).size / 1e6;
  process.stdout.write(`${file.padEnd(60)} ${megabytes.toFixed(1).padStart(6)} MB ${((performance.now() - at) / 1000).toFixed(1).padStart(6)} s\n`);
}

for (const program of [AGENT, HUB]) {
  await make(program.name, async (file) => await copyFile((await compileProgram(program, defaultCacheDir, () => undefined)).path, file));
}
await make("kubedos-agent-sea", async (file) => await buildSea(join(root, AGENT.entry), file, join(defaultCacheDir, "sea")));
const [worker = ""] = HUB.workers ?? [];
await make("kubedos-hub-sea", async (file) => await buildSea(join(root, HUB.entry), file, join(defaultCacheDir, "sea-hub"), { [WORKER_ASSET]: join(root, worker) }));
