import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** What is made anew with each change of the sources or of the lock: base trees and images of about 250 MB, programs of about 110 MB, layers of what they add. */
const KINDS = ["base-", "image-", "layer-", "program-"];
/** Of each kind, beside those in use: going back and forth between a few states of the sources, or between a small spec and all roles, costs nothing. */
const KEPT = 8;

/** Removes the oldest base trees, images and programs from the cache, never those named in `used`. */
export async function pruneCache(cacheDir: string, used: readonly string[]): Promise<void> {
  const names = await readdir(cacheDir);
  for (const kind of KINDS) {
    const unused = names.filter((name) => name.startsWith(kind) && !used.includes(name));
    const aged = await Promise.all(unused.map(async (name) => ({ path: join(cacheDir, name), at: (await stat(join(cacheDir, name))).mtimeMs })));
    for (const { path } of aged.sort((a, b) => b.at - a.at).slice(KEPT)) await rm(path, { recursive: true, force: true });
  }
}
