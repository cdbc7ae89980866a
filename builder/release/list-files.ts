import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileDigest } from "./read-release.ts";
import { BUNDLE, RELEASE_FILES } from "./release-files.ts";
import type { Sums } from "./sums.ts";

/** Paths of all files under a folder, relative, in byte order; anything that is no file or folder is listed, too. */
export async function listFiles(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((e) => !e.isDirectory()).map((e) => join(e.parentPath, e.name).slice(join(dir, "/").length)).sort((a, b) => (a < b ? -1 : 1));
}

/** Whether a file is one of the signatures that stand beside others, or the list of checksums: what the checksums can't cover. */
export function isOutsideSums(path: string): boolean {
  return path === RELEASE_FILES.sums || path.endsWith(BUNDLE.cosign) || path.endsWith(BUNDLE.sigstore);
}

/** No link is followed and no pipe is waited for. */
async function plainDigest(path: string): Promise<string> {
  return (await lstat(path)).isFile() ? fileDigest(path) : "none, because it is no plain file";
}

/** Digests of the files that checksums cover, but for those in `known`, which were hashed already. */
export async function sumFiles(dir: string, known: Sums = new Map()): Promise<Sums> {
  const sums = new Map<string, string>();
  for (const path of await listFiles(dir)) {
    if (!isOutsideSums(path)) sums.set(path, known.get(path) ?? (await plainDigest(join(dir, path))));
  }
  return sums;
}
