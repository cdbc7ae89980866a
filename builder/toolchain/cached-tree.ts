import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { ToolError } from "./error.ts";
import { withWorkFolder } from "./work-folder.ts";

/** 16 hex digits that change with anything in `inputs`; for names in a cache. */
export function cacheKey(inputs: unknown): string {
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
}

/**
 * The folder `cacheDir/name`, made by `make` if it is not there. It is made under another name and renamed, so what has
 * the name is whole; two builds at once both work and one's result stays. `make` gets a path that does not exist yet.
 * Throws ToolError `FOREIGN_CACHE`, or what `make` throws.
 */
export async function cachedTree(cacheDir: string, name: string, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(cacheDir, name);
  if (existsSync(path)) return await own(path);
  await withWorkFolder(cacheDir, name, async (work) => {
    const tree = join(work, "tree");
    await make(tree);
    await rename(tree, path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOTEMPTY" && cause.code !== "EEXIST") throw cause;
    });
  });
  return path;
}

/** Another user's tree has other owners for its files, as seen from here, and an image would get them. */
async function own(path: string): Promise<string> {
  const { uid } = await stat(path);
  if (uid === process.geteuid?.()) return path;
  throw new ToolError("FOREIGN_CACHE", `${path} was made by another user`);
}
