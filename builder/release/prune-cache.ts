import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * What is made anew with each change of the sources, the lock or the keys, and how much of each kind stays beside what is in use: going back and forth between a
 * few states of the sources, or between a small spec and all roles, costs little, and builds at once don't take each other's images away. Base trees are about 400 MB, images 500, programs 110, disks
 * 200; bills and layers are small. A disk that is gone is made anew.
 */
const KEPT: Readonly<Record<string, number>> = { "base-": 3, "bill-": 32, "disk-": 2, "image-": 8, "layer-": 8, "program-": 6 };

/** Removes the oldest of each kind from the cache, never those named in `used`. */
export async function pruneCache(cacheDir: string, used: readonly string[]): Promise<void> {
  const names = await readdir(cacheDir);
  for (const [kind, kept] of Object.entries(KEPT)) {
    const unused = names.filter((name) => name.startsWith(kind) && !used.includes(name));
    const aged = await Promise.all(unused.map(async (name) => ({ path: join(cacheDir, name), at: (await stat(join(cacheDir, name))).mtimeMs })));
    for (const { path } of aged.sort((a, b) => b.at - a.at).slice(kept)) await rm(path, { recursive: true, force: true });
  }
}
