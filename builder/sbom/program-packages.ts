import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { z } from "zod";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { parseJson } from "../../proto/wire/json.ts";
import type { Program } from "../release/compile-program.ts";
import { projectDir } from "../release/source-digest.ts";

/** A package of npm that is part of a program of ours. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of the package's archive, from package-lock.json; hex. */
  readonly sha512: string;
}

/** What compiles our programs, and stands in each of them. */
const RUNTIME = "node_modules/@oven/bun-linux-x64";
const MAX_BYTES = 16 * 1024 * 1024;
const npmLockSchema = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional(), integrity: z.string().optional() })) });

/** The npm packages whose code a program is made of, found by following its imports, and the runtime. Sorted by name. Throws WireError, or esbuild's error. */
export async function programPackages(program: Program): Promise<readonly NpmPackage[]> {
  const { metafile } = await build({
    absWorkingDir: projectDir,
    entryPoints: [program.entry, ...(program.workers ?? [])],
    outdir: "never-written",
    write: false,
    bundle: true,
    metafile: true,
    splitting: true,
    format: "esm",
    platform: "node",
    external: ["bun:*"],
    logLevel: "error",
  });
  const folders = Object.keys(metafile.inputs).flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  const { packages } = parseJson(npmLockSchema, await readFile(join(projectDir, "package-lock.json")), MAX_BYTES);
  const found = [...new Set([...folders, RUNTIME])].map((folder): NpmPackage => {
    const { version = "", integrity = "" } = packages[folder] ?? {};
    return { name: folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length), version, sha512: toHex(fromBase64(integrity.replace(/^sha512-/, ""))) };
  });
  return found.sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}
