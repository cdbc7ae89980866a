import { z } from "zod";
import { utf8 } from "../../proto/wire/bytes.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { hexText } from "../../proto/wire/text.ts";
import { MAX_FILE_BYTES } from "../lock/extras.ts";
import { DarksiteError } from "./error.ts";

/** A million files of 200 bytes each. */
const MAX_LIST_BYTES = 256 * 1024 * 1024;

// Names for any file system, none of them hidden: what a path of this form is joined to, it stays under.
const path = z.string().max(1024).regex(/^[0-9A-Za-z_][0-9A-Za-z+.~_!-]*(\/[0-9A-Za-z_][0-9A-Za-z+.~_!-]*){0,8}$/, "must be a plain relative path");

/** One file: path under the folder, bytes, SHA-256 in hex. */
export const listedFileSchema = z.strictObject({ path, size: z.int().nonnegative().max(MAX_FILE_BYTES), sha256: hexText(32) });
/** See {@link listedFileSchema}. */
export type ListedFile = z.output<typeof listedFileSchema>;

const listSchema = z
  .strictObject({ kind: z.literal("kubedos/files"), version: z.literal(1), files: z.array(listedFileSchema).max(1_000_000) })
  .refine(({ files }) => files.every((f, i) => i === 0 || f.path > (files[i - 1]?.path ?? "")), "its files stand out of order or twice");

/** The list as a file: JSON with a line for each file, sorted by path. */
export function encodeFileList(files: readonly ListedFile[]): Uint8Array {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const lines = sorted.map((file) => new TextDecoder().decode(canonicalJson(file)));
  return utf8(`{"files":[\n${lines.join(",\n")}\n],"kind":"kubedos/files","version":1}\n`);
}

/** A list's bytes → its files, sorted by path; `name` is for people. Throws DarksiteError `DARKSITE_DIFFERS`. */
export function parseFileList(data: Uint8Array, name: string): readonly ListedFile[] {
  try {
    const { files } = parseJson(listSchema, data, MAX_LIST_BYTES);
    if (Buffer.compare(encodeFileList(files), data) === 0) return files;
  } catch (cause) {
    throw new DarksiteError("DARKSITE_DIFFERS", `${name} is no list of files: ${cause instanceof Error ? cause.message : "unreadable"}`, "", { cause });
  }
  throw new DarksiteError("DARKSITE_DIFFERS", `${name} was changed by hand`);
}

/** Bytes of all files together. */
export function totalBytes(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}
