import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WireError } from "../../proto/wire/error.ts";
import { ToolError } from "../toolchain/error.ts";
import { cachedTree } from "../toolchain/cached-tree.ts";
import type { Report } from "../toolchain/report.ts";
import { sumFiles } from "./list-files.ts";
import { encodeSums, parseSums, type Sums } from "./sums.ts";

/** The digests of a folder of the cache, from when it was made. */
const NOTE = "SHA256SUMS";

/** Files of a release that follow from nothing but what their name holds a digest of. */
export interface KeptFiles {
  /** In the cache: `KIND-KEY`. */
  readonly name: string;
  /** Writes them into an empty folder. */
  readonly make: (dir: string) => Promise<void>;
}

/** Something that was taken out of the cache, and the digests of the very bytes that were taken. */
export interface Taken<T> {
  readonly value: T;
  readonly sums: Sums;
}

/** Finds or makes the files and notes their digests beside them; what has the name is whole. Throws what `make` throws. */
export async function keepFiles(cacheDir: string, { name, make }: KeptFiles): Promise<string> {
  return await cachedTree(cacheDir, name, async (out) => {
    await mkdir(out);
    await make(out);
    await writeFile(join(out, NOTE), encodeSums(await sumFiles(out)));
  });
}

/**
 * Takes files out of the cache, made first where they are not there. The cache lies open between two builds, so what `take` says it got is held against what
 * was noted; where it is something else, or is gone, the folder is thrown away and made anew. Throws ToolError `FAILED` where that comes out spoiled,
 * too, or what `make` throws.
 */
export async function takeFiles<T>(cacheDir: string, kept: KeptFiles, report: Report, take: (dir: string) => Promise<Taken<T>>): Promise<T> {
  for (let first = true; ; first = false) {
    const dir = await keepFiles(cacheDir, kept);
    const taken = await takeNoted(dir, take);
    if (taken !== undefined) return taken.value;
    if (!first) throw new ToolError("FAILED", `${dir} was made anew and can't be read as it was written`);
    report(`${dir} is not as it was made; making it anew`);
    await rm(dir, { recursive: true, force: true });
  }
}

/** What was taken, if each file is as noted; undefined otherwise. */
async function takeNoted<T>(dir: string, take: (dir: string) => Promise<Taken<T>>): Promise<Taken<T> | undefined> {
  try {
    const noted = parseSums(await readFile(join(dir, NOTE)));
    const taken = await take(dir);
    return [...taken.sums].every(([path, digest]) => noted.get(path) === digest) ? taken : undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // The note is no note, or a file is gone (another build tidied up); a full disk is neither.
    if (code === "ENOENT" || cause instanceof WireError) return undefined;
    throw cause;
  }
}
