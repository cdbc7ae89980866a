import { posix } from "node:path";
import { WireError } from "../../proto/wire/error.ts";
import type { ByteSource } from "./byte-source.ts";
import { parsePax, parseTarHeader, TAR_BLOCK, type TarHeader } from "./tar-header.ts";

/** What lies in a tar under one name. */
export interface TarEntry {
  /** From the root, without a slash at either end; empty for the root itself. */
  readonly path: string;
  readonly kind: "file" | "folder" | "symlink" | "hardlink" | "other";
  /** Of links; a hard link's counts from the root. */
  readonly target: string;
  /** Of files that were asked for. */
  readonly data: Uint8Array | undefined;
}

/** What a tar's entries may hold. */
export interface TarLimits {
  /** Bytes of a file that is asked for. */
  readonly file: number;
}

/** Of a name in a record of its own, in bytes; no file system takes longer ones. */
const MAX_NAME = 4096;
const MAX_PAX = 1024 * 1024;
const KINDS: Readonly<Record<string, TarEntry["kind"]>> = { "0": "file", "7": "file", "1": "hardlink", "2": "symlink", "3": "other", "4": "other", "5": "folder", "6": "other" };
/** GNU's old form of sparse files has more headers than sizes tell. */
const SPARSE = "S";

/** A tar's entries in their order; data only of files that `wanted` says. It ends where tar ends: what follows isn't read. Throws WireError. */
export async function* tarEntries(source: ByteSource, wanted: (path: string) => boolean, limits: TarLimits): AsyncGenerator<TarEntry> {
  let said: { readonly path?: string | undefined; readonly target?: string | undefined; readonly size?: string | undefined } = {};
  for (let header = await nextHeader(source); header !== undefined; header = await nextHeader(source)) {
    const { type } = header;
    if (type === "L") said = { ...said, path: await longName(source, header.size) };
    else if (type === "K") said = { ...said, target: await longName(source, header.size) };
    else if (type === "x") said = { ...said, ...(await extended(source, header.size)) };
    else if (type === "g") await skipData(source, header.size);
    else {
      yield await entry(source, { ...header, name: said.path ?? header.name, target: said.target ?? header.target, size: said.size === undefined ? header.size : sizeOf(said.size) }, wanted, limits);
      said = {};
    }
  }
}

async function entry(source: ByteSource, { name, target, size, type }: TarHeader, wanted: (path: string) => boolean, limits: TarLimits): Promise<TarEntry> {
  if (type === SPARSE) throw sparse();
  const path = plainPath(name);
  const kind = type === "0" && name.endsWith("/") ? "folder" : (KINDS[type] ?? "other");
  // Whatever their headers say, only files have data; kinds that nobody knows are passed over as if they had.
  const bytes = kind === "file" || KINDS[type] === undefined ? size : 0;
  if (kind === "file" && wanted(path)) {
    if (bytes > limits.file) throw new WireError("TOO_LARGE", `${path} has ${bytes} bytes, at most ${limits.file} are read`);
    return { path, kind, target, data: await data(source, bytes) };
  }
  await skipData(source, bytes);
  return { path, kind, target, data: undefined };
}

async function nextHeader(source: ByteSource): Promise<TarHeader | undefined> {
  const block = await source.take(TAR_BLOCK);
  if (block === undefined || !block.every((byte) => byte === 0)) return block === undefined ? undefined : parseTarHeader(block);
  const second = await source.take(TAR_BLOCK);
  if (second?.some((byte) => byte !== 0) === true) throw new WireError("BAD_VALUE", "the tar goes on behind half an end");
  return undefined;
}

async function extended(source: ByteSource, size: number): Promise<{ readonly path?: string | undefined; readonly target?: string | undefined; readonly size?: string | undefined }> {
  if (size > MAX_PAX) throw new WireError("TOO_LARGE", `an extended header of the tar has ${size} bytes`);
  const records = parsePax(await data(source, size));
  if ([...records.keys()].some((key) => key.startsWith("GNU.sparse."))) throw sparse();
  const [path, target, bytes] = ["path", "linkpath", "size"].map((key) => records.get(key));
  return { ...(path === undefined ? {} : { path }), ...(target === undefined ? {} : { target }), ...(bytes === undefined ? {} : { size: bytes }) };
}

async function longName(source: ByteSource, size: number): Promise<string> {
  if (size > MAX_NAME) throw new WireError("TOO_LARGE", `a name in the tar has ${size} bytes`);
  return new TextDecoder().decode(await data(source, size)).replace(/\0.*$/s, "");
}

async function data(source: ByteSource, size: number): Promise<Uint8Array> {
  const found = size === 0 ? new Uint8Array() : await source.take(size);
  if (found === undefined) throw new WireError("TRUNCATED", "the tar ends before a file's data");
  // A view on a chunk of the stream would keep all of that chunk.
  const own = Uint8Array.from(found);
  await source.skip(padding(size));
  return own;
}

async function skipData(source: ByteSource, size: number): Promise<void> {
  await source.skip(size + padding(size));
}

function padding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

function sizeOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new WireError("BAD_VALUE", "a size in the tar is no number");
  return Number(text);
}

/** As a file system takes it that begins at the root: nothing leads out. */
function plainPath(name: string): string {
  if (name.length > MAX_NAME) throw new WireError("TOO_LARGE", `a name in the tar has ${name.length} characters`);
  return posix.normalize(`/${name}`).replace(/^\/|\/$/g, "");
}

function sparse(): WireError {
  return new WireError("BAD_VALUE", "the tar holds a sparse file, which container runtimes don't agree on");
}
