import { Worker } from "node:worker_threads";

/** Name under which Node's single executable holds the worker's code (builder/compile/build-sea.ts). */
export const WORKER_ASSET = "judge-worker";
/** A thread needs some 30 MB; what asks for more than this is ended, and with it only its own evidence. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 64 };
/** Where bun's single executable has it: `bun build --root=.` of the checkout, the worker as a further entry point. */
const BUN_FOLDER = "/$bunfs/root";

/**
 * Starts the thread that judges, from wherever this program's code is: sources, bun's executable or Node's. Where the
 * executable was built without it, the worker ends with an error, or this throws.
 */
export function startWorker(): Worker {
  const sea = typeof process.getBuiltinModule === "function" ? process.getBuiltinModule("node:sea") : undefined;
  if (sea?.isSea() === true) return new Worker(sea.getAsset(WORKER_ASSET, "utf8"), { eval: true, resourceLimits: LIMITS });
  // Under bun this is the executable's own file system; `import.meta.url` of a bundle isn't this file's.
  if (import.meta.url.includes(BUN_FOLDER)) return new Worker(`${BUN_FOLDER}/hub/judge-pool/judge-worker.js`);
  return new Worker(new URL("./judge-worker.ts", import.meta.url), { resourceLimits: LIMITS });
}
