import { chmod, chown, copyFile, lstat, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * Lays the folder `from` over `tree`: folders 0755, files 0644 or 0755 (the execute bit is all that git keeps), links as
 * they are, all owned by root. What is there already is replaced; a link is never followed out of the tree.
 * `skip` names entries at the top that stay behind.
 */
export async function layOver(from: string, tree: string, skip: readonly string[] = []): Promise<void> {
  for (const name of (await readdir(from)).sort()) {
    if (skip.includes(name)) continue;
    const source = join(from, name);
    const target = join(tree, name);
    const found = await lstat(source);
    if (found.isDirectory()) {
      await ensureFolder(target);
      await layOver(source, target);
    } else if (found.isSymbolicLink()) {
      await rm(target, { recursive: true, force: true });
      await symlink(await readlink(source), target);
    } else {
      await rm(target, { recursive: true, force: true });
      await copyFile(source, target);
      await chmod(target, (found.mode & 0o100) === 0 ? 0o644 : 0o755);
      await chown(target, 0, 0);
    }
  }
}

async function ensureFolder(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  if (found !== undefined) throw new Error(`${path} is no folder in the tree, and the overlay wants one there`);
  await mkdir(path, { mode: 0o755 });
  await chown(path, 0, 0);
}
