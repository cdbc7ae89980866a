import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { mapLimited } from "../release/map-limited.ts";

/** Node reads files in four threads. */
const READERS = 4;

/** What is under one path, without owner, mode and times. Digests are hex; SPDX 2.3 wants SHA-1 of every file. */
export type Content =
  | { readonly kind: "file"; readonly sha256: string; readonly sha1: string; readonly size: number }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "device" };

/** Contents by absolute path, in byte order of the paths. Folders are left out: they hold nothing of their own. */
export type Contents = ReadonlyMap<string, Content>;

/** Before the merge of /usr these were folders of their own; packages still name files in them. */
const MERGED = /^\/(bin|sbin|lib|lib32|lib64|libx32)(?=\/)/;

/** The path under which a merged tree has a file of a package. */
export function mergedPath(path: string): string {
  return path.replace(MERGED, "/usr/$1");
}

/** Hashes all that is under `dir`; paths start with a slash and leave `dir` out. No link is followed. */
export async function readContents(dir: string): Promise<Contents> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const found = await mapLimited(paths, READERS, async (path): Promise<[string, Content]> => [path.slice(dir.length), await readContent(path)]);
  return sorted(new Map(found));
}

/** What is under this path of the build host. */
export async function readContent(full: string): Promise<Content> {
  const found = await lstat(full);
  if (found.isSymbolicLink()) return { kind: "link", target: await readlink(full) };
  return found.isFile() ? fileContent(await readFile(full)) : { kind: "device" };
}

/** A file with these bytes. */
export function fileContent(data: Uint8Array): Content & { readonly kind: "file" } {
  const digest = (algorithm: string): string => createHash(algorithm).update(data).digest("hex");
  return { kind: "file", sha256: digest("sha256"), sha1: digest("sha1"), size: data.length };
}

/** The same map in the order of its paths. */
export function sorted<V>(map: ReadonlyMap<string, V>): Map<string, V> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether two contents are one. */
export function sameContent(a: Content, b: Content): boolean {
  if (a.kind === "file") return b.kind === "file" && a.sha256 === b.sha256;
  return a.kind === "link" ? b.kind === "link" && a.target === b.target : b.kind === "device";
}
