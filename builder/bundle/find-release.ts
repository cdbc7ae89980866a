import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RELEASE_FILES } from "../release/release-files.ts";
import { BundleError } from "./error.ts";

const RELEASE_ID = /^[0-9a-f]{16}$/;

/**
 * The release's folder that `path` means: itself, or the only one in a cluster's folder or in the folder of all clusters; `id` chooses
 * among several. Throws BundleError `NO_RELEASE` or `WHICH_RELEASE`.
 */
export async function findRelease(path: string, id?: string): Promise<string> {
  const dir = resolve(path);
  if (existsSync(join(dir, RELEASE_FILES.release))) return dir;
  const below = await foldersIn(dir);
  const clusters = below.some((name) => RELEASE_ID.test(name)) ? [dir] : below.map((name) => join(dir, name));
  const found: string[] = [];
  for (const cluster of clusters) found.push(...(await foldersIn(cluster)).filter((name) => RELEASE_ID.test(name)).map((name) => join(cluster, name)));
  const fitting = found.filter((one) => id === undefined || one.endsWith(`/${id}`));
  const [only] = fitting;
  if (only === undefined) throw new BundleError("NO_RELEASE", `${path} holds no release${id === undefined ? "" : ` ${id}`}`, "kubedos-build build SPEC --keys KEYS --out DIR makes one");
  if (fitting.length > 1) throw new BundleError("WHICH_RELEASE", `${path} holds ${fitting.length} releases: ${fitting.map((one) => one.slice(dir.length + 1)).join(", ")}`, "name the one you mean: its folder, or --release ID");
  return only;
}

async function foldersIn(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR") throw cause;
    return [];
  });
  return entries.filter((e) => e.isDirectory()).map((e) => e.name).sort();
}
