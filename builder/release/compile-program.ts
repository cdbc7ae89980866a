import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cachedTree, cacheKey } from "../toolchain/cached-tree.ts";
import type { Report } from "../toolchain/report.ts";
import { runHost } from "../toolchain/run-host.ts";
import { BuildError } from "../error.ts";
import { projectDir, sourceDigest } from "./source-digest.ts";

/** A program of ours that goes into images as one executable. */
export interface Program {
  readonly name: string;
  /** Relative to the checkout. */
  readonly entry: string;
  /** Folders whose files can be part of it. */
  readonly sources: readonly string[];
  /** Code of its threads, relative to the checkout: further entry points of the same executable. */
  readonly workers?: readonly string[];
}

/** On every node. */
export const AGENT: Program = { name: "kubedos-agent", entry: "agent/main.ts", sources: ["agent", "proto"] };
/** On the hub's node. */
export const HUB: Program = { name: "kubedos-hub", entry: "hub/main.ts", sources: ["hub", "proto"], workers: ["hub/judge-pool/judge-worker.ts"] };

const BUN = "node_modules/@oven/bun-linux-x64/bin/bun";
// CommonJS modules would else carry the path of this checkout into the executable.
const PLACE = "/usr/lib/kubedos";
const OPTIONS: readonly string[] = [
  "build",
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  // What is imported late is read late: the agent's first step doesn't wait for gRPC.
  "--splitting",
  // A compiled program would else take code from files in its working directory.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--target=bun-linux-x64",
  "--define",
  `__dirname="${PLACE}"`,
  "--define",
  `__filename="${PLACE}/main"`,
];

/** A compiled program: where it is, and the digest of its inputs. */
export interface CompiledProgram {
  readonly path: string;
  readonly key: string;
  /** SHA-256 over its sources and package-lock.json. */
  readonly sources: string;
}

/** Compiles by bun, or finds what was compiled from the same sources and lock file. Throws BuildError or ToolError. */
export async function compileProgram(program: Program, cacheDir: string, report: Report, signal?: AbortSignal): Promise<CompiledProgram> {
  if (!existsSync(join(projectDir, program.entry))) throw new BuildError("MISSING_SOURCE", `${program.entry} is missing from this checkout`);
  if (!existsSync(join(projectDir, BUN))) throw new BuildError("MISSING_SOURCE", "the bun that compiles our programs is not installed", "npm ci");
  // From one root, so that a worker is where the program looks for it (hub/judge-pool/start-worker.ts).
  const entries = program.workers === undefined ? [program.entry] : ["--root=.", program.entry, ...program.workers];
  const sources = await sourceDigest([...program.sources, "package-lock.json"]);
  const key = cacheKey([OPTIONS, program.name, ...entries, sources]);
  const dir = await cachedTree(cacheDir, `program-${program.name}-${key}`, async (out) => {
    report(`compiling ${program.name}`);
    await mkdir(out);
    await runHost([join(projectDir, BUN), ...OPTIONS, ...entries, `--outfile=${join(out, program.name)}`], {
      cwd: projectDir,
      ...(signal === undefined ? {} : { signal }),
    });
  });
  return { path: join(dir, program.name), key, sources };
}
