import { createHash, type Hash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * SHA-256 (hex) over a tree: for each path in byte order its type, mode, owner, and contents, target or device number.
 * Modification times and the numbers of links are left out: an image gets its times from the release.
 */
export async function treeDigest(dir: string): Promise<string> {
  const hash = createHash("sha256");
  await add(hash, dir, ".");
  return hash.digest("hex");
}

async function add(hash: Hash, root: string, path: string): Promise<void> {
  const full = join(root, path);
  const found = await lstat(full);
  const [owner, mode] = [`${found.uid}:${found.gid}`, found.mode.toString(8)];
  if (found.isDirectory()) {
    hash.update(`${mode} ${owner} ${path}\0`);
    const names = (await readdir(full)).sort((a, b) => (a < b ? -1 : 1));
    for (const name of names) await add(hash, root, `${path}/${name}`);
  } else if (found.isFile()) {
    const contents = createHash("sha256").update(await readFile(full)).digest("hex");
    hash.update(`${mode} ${owner} ${path}\0${contents}\0`);
  } else {
    hash.update(`${mode} ${owner} ${path}\0${found.isSymbolicLink() ? await readlink(full) : found.rdev}\0`);
  }
}
