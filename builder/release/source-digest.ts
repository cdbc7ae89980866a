import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout's root. */
export const projectDir: string = fileURLToPath(new URL("../..", import.meta.url));

/**
 * SHA-256 (hex) over the files under `paths`, which are relative to `root`: each one's path, size and contents, in the
 * order of the paths; of a link its target, of a file also whether it can be run. Tests and type settings are left out: they shape no output.
 */
export async function sourceDigest(paths: readonly string[], root: string = projectDir): Promise<string> {
  const hash = createHash("sha256");
  for (const path of [...paths].sort()) {
    for (const file of await filesUnder(root, path)) {
      const found = await lstat(join(root, file));
      const data = found.isSymbolicLink() ? Buffer.from(await readlink(join(root, file))) : await readFile(join(root, file));
      const kind = found.isSymbolicLink() ? "link" : (found.mode & 0o100) === 0 ? "file" : "program";
      hash.update(`${file}\0${kind}\0${data.length}\0`).update(data);
    }
  }
  return hash.digest("hex");
}

async function filesUnder(root: string, path: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOTDIR") return null;
    throw cause;
  });
  if (entries === null) return [path];
  return entries
    .filter((e) => (e.isFile() || e.isSymbolicLink()) && !/\.test\.ts$|^tsconfig\.json$/.test(e.name))
    .map((e) => join(e.parentPath, e.name).slice(join(root, "/").length))
    .sort();
}
