import { link, lstat, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

/** Makes every regular file of `tree` that is as in `base` the same file: a tree then takes the place of what is different. Both lie on one file system. */
export async function shareFiles(base: string, tree: string): Promise<void> {
  for (const entry of await readdir(tree, { withFileTypes: true })) {
    const [ours, theirs] = [join(tree, entry.name), join(base, entry.name)];
    if (entry.isDirectory()) {
      if ((await lstat(theirs).catch(() => undefined))?.isDirectory() === true) await shareFiles(theirs, ours);
    } else if (entry.isFile() && (await isSame(theirs, ours))) {
      // By renaming, so that there is no moment without the file.
      await link(theirs, `${ours}.kubedos-shared`);
      await rename(`${ours}.kubedos-shared`, ours);
    }
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([lstat(a).catch(() => undefined), lstat(b)]);
  if (x?.isFile() !== true || x.size !== y.size || x.mode !== y.mode || x.uid !== y.uid || x.gid !== y.gid) return false;
  // Two names of one file already; renaming one over the other would leave the third name behind.
  if (x.ino === y.ino) return false;
  const [p, q] = await Promise.all([readFile(a), readFile(b)]);
  return p.equals(q);
}
