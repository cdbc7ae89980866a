import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { WireError } from "../../proto/wire/error.ts";
import { type Content, type Contents, sorted } from "./content.ts";
import { type ErofsInode, INODE_BYTES, inodeAt, parseFolder, parseInode, parseSuperblock, SUPERBLOCK, type Superblock } from "./erofs-format.ts";

/** Of a large file, so much is hashed while nothing else is done. */
const CHUNK = 4 * 2 ** 20;
/** What is held as a whole: folders, links, and files that are asked for by name. */
const MAX_HELD_BYTES = 64 * 2 ** 20;
const MAX_DEPTH = 64;

/** A finished root file system, open for reading. */
export interface ErofsTree {
  /** Everything in it, hashed. */
  readonly contents: Contents;
  /** The bytes of a file of at most 64 MiB, by its path. Throws WireError where there is none. */
  readonly read: (path: string) => Uint8Array;
}

/**
 * Reads a finished root file system straight from its image and lets `work` see it: nothing is unpacked, so neither time nor space goes into a copy. The image
 * is ours, and still every number in it is checked. Throws WireError, or what `work` throws.
 */
export async function withErofs<T>(image: string, work: (tree: ErofsTree) => T): Promise<T> {
  const file = await open(image);
  try {
    const disk = new Image(file, (await file.stat()).size);
    const superblock = parseSuperblock(disk.bytes(SUPERBLOCK.at, SUPERBLOCK.bytes));
    const inodes = new Map<string, ErofsInode>();
    const seen = new Set<number>();
    walk({ disk, superblock, inodes, seen }, "/", superblock.rootNid, 0);
    const contents = new Map<string, Content>();
    for (const [path, inode] of inodes) contents.set(path, await readContent(disk, inode));
    const read = (path: string): Uint8Array => {
      const inode = inodes.get(path);
      if (inode === undefined) throw new WireError("BAD_VALUE", `there is no ${path} in the image`);
      return disk.whole(inode);
    };
    return work({ contents: sorted(contents), read });
  } finally {
    await file.close();
  }
}

/** An open image; every read is within it. */
class Image {
  readonly #file: FileHandle;
  readonly #size: number;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** Few bytes, at once: a promise for each of some ten thousand takes longer than what it waits for. */
  bytes(at: number, bytes: number): Uint8Array {
    this.#check(at, bytes);
    const data = Buffer.allocUnsafe(bytes);
    if (readSync(this.#file.fd, data, 0, bytes, at) !== bytes) throw new WireError("TRUNCATED", "the image ends before its size");
    return data;
  }

  whole({ size, extents }: ErofsInode): Uint8Array {
    if (size > MAX_HELD_BYTES) throw new WireError("TOO_LARGE", `${size} bytes, at most ${MAX_HELD_BYTES} are read at once`);
    return Buffer.concat(extents.map(({ at, bytes }) => this.bytes(at, bytes)));
  }

  /** Many bytes, in pieces; a piece is valid until the next. */
  async *chunks({ extents }: ErofsInode): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (const { at, bytes } of extents) {
      this.#check(at, bytes);
      for (let done = 0; done < bytes; ) {
        const { bytesRead } = await this.#file.read(buffer, 0, Math.min(CHUNK, bytes - done), at + done);
        if (bytesRead === 0) throw new WireError("TRUNCATED", "the image ends before its size");
        yield buffer.subarray(0, bytesRead);
        done += bytesRead;
      }
    }
  }

  #check(at: number, bytes: number): void {
    if (!Number.isSafeInteger(at + bytes) || at + bytes > this.#size) throw new WireError("TRUNCATED", `${bytes} bytes at ${at} are not in an image of ${this.#size}`);
  }
}

interface Walk {
  readonly disk: Image;
  readonly superblock: Superblock;
  /** By path, everything but folders. */
  readonly inodes: Map<string, ErofsInode>;
  /** Folders. */
  readonly seen: Set<number>;
}

function walk(state: Walk, path: string, nid: number, depth: number): void {
  const { disk, superblock, inodes, seen } = state;
  const at = inodeAt(superblock, nid);
  const inode = parseInode(disk.bytes(at, INODE_BYTES), at);
  if ((inode.mode & 0o170000) !== 0o040000) {
    inodes.set(path, inode);
    return;
  }
  if (seen.has(nid) || depth > MAX_DEPTH) throw new WireError("BAD_VALUE", `the folder ${path} is in the image twice, or too deep`);
  seen.add(nid);
  for (const entry of parseFolder(disk.whole(inode))) walk(state, join(path, entry.name), entry.nid, depth + 1);
}

async function readContent(disk: Image, inode: ErofsInode): Promise<Content> {
  const type = inode.mode & 0o170000;
  if (type === 0o120000) return { kind: "link", target: Buffer.from(disk.whole(inode)).toString() };
  if (type !== 0o100000) return { kind: "device" };
  const [sha256, sha1] = [createHash("sha256"), createHash("sha1")];
  const add = (data: Uint8Array): unknown => sha1.update(data) && sha256.update(data);
  if (inode.size <= CHUNK) add(disk.whole(inode));
  else for await (const chunk of disk.chunks(inode)) add(chunk);
  return { kind: "file", sha256: sha256.digest("hex"), sha1: sha1.digest("hex"), size: inode.size };
}
