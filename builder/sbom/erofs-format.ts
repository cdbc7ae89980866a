import { WireError } from "../../proto/wire/error.ts";
import { ByteReader } from "../../proto/wire/reader.ts";

// As mkfs.erofs writes it without compression (Linux, Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h); all numbers are little-endian.

/** Where the superblock stands, and its length. */
export const SUPERBLOCK = { at: 1024, bytes: 128 } as const;
/** Bytes of a block; no other size is read. */
export const EROFS_BLOCK = 4096;
/** Bytes of the longer of the two forms of an inode. */
export const INODE_BYTES = 64;

const MAGIC = 0xe0f5_e1e2;
/** That compressed data would be padded at its front: said by mkfs.erofs also where nothing is compressed. Others change how data is found. */
const HARMLESS_FEATURES = 0x1;
/** Nodes are counted in these. */
const SLOT = 32;
const DIRENT = 12;

/** Where a file system's inodes are. */
export interface Superblock {
  /** Bytes. */
  readonly inodesAt: number;
  readonly rootNid: number;
}

/** An inode: what it is, and where its data stands. */
export interface ErofsInode {
  /** File type and permissions, as stat(2) has them. */
  readonly mode: number;
  readonly size: number;
  /** Pieces of the data, in order, in bytes of the image. */
  readonly extents: readonly { readonly at: number; readonly bytes: number }[];
}

/** One name in a folder. */
export interface Dirent {
  readonly name: string;
  readonly nid: number;
}

/** {@link SUPERBLOCK}. Throws WireError where it is none, or of a form that is not read. */
export function parseSuperblock(data: Uint8Array): Superblock {
  const r = new ByteReader(data);
  if (r.u32le() !== MAGIC) throw new WireError("BAD_VALUE", "no erofs file system");
  r.bytes(8);
  const blockBits = r.u8();
  r.bytes(1);
  const rootNid = r.u16le();
  r.bytes(24);
  const inodesAt = r.u32le() * EROFS_BLOCK;
  r.bytes(36);
  const features = r.u32le();
  r.bytes(6);
  const folderBits = r.u8();
  if (2 ** blockBits !== EROFS_BLOCK || folderBits !== 0 || (features & ~HARMLESS_FEATURES) !== 0) throw new WireError("BAD_VALUE", `an erofs file system of a form that is not read (blocks 2^${blockBits}, features ${features})`);
  return { inodesAt, rootNid };
}

/** Byte of the image at which an inode begins. */
export function inodeAt({ inodesAt }: Superblock, nid: number): number {
  return inodesAt + nid * SLOT;
}

/** The inode that begins at byte `at` of the image; `data` begins there, too. Throws WireError. */
export function parseInode(data: Uint8Array, at: number): ErofsInode {
  const r = new ByteReader(data);
  const format = r.u16le();
  const [long, layout] = [(format & 1) === 1, format >> 1];
  const xattrs = r.u16le();
  const mode = r.u16le();
  r.bytes(2);
  const size = long ? Number(r.u64le()) : r.u32le();
  if (!long) r.bytes(4);
  const block = r.u32le();
  // Extended attributes: a header of 12 bytes, in which the first entry of 4 is counted.
  const head = (long ? 64 : 32) + (xattrs === 0 ? 0 : 12 + (xattrs - 1) * 4);
  return { mode, size, extents: hasData(mode) ? extents({ layout, size, from: block * EROFS_BLOCK, tailAt: at + head }) : [] };
}

/** Of devices, pipes and sockets, the field for the block is something else. */
function hasData(mode: number): boolean {
  return [0o100000, 0o120000, 0o040000].includes(mode & 0o170000);
}

function extents({ layout, size, from, tailAt }: { readonly layout: number; readonly size: number; readonly from: number; readonly tailAt: number }): ErofsInode["extents"] {
  if (layout !== 0 && layout !== 2) throw new WireError("BAD_VALUE", `a file is stored in layout ${layout}, which is not read`);
  const tail = layout === 0 ? 0 : size % EROFS_BLOCK;
  if ((tailAt % EROFS_BLOCK) + tail > EROFS_BLOCK) throw new WireError("BAD_VALUE", "a file's last bytes go over the end of their block");
  return [{ at: from, bytes: size - tail }, { at: tailAt, bytes: tail }].filter(({ bytes }) => bytes > 0);
}

/** The names in a folder's data, but for `.` and `..`. Throws WireError; also where a name stands twice. */
export function parseFolder(data: Uint8Array): readonly Dirent[] {
  const found: Dirent[] = [];
  let last: Buffer = Buffer.alloc(0);
  for (let at = 0; at < data.length; at += EROFS_BLOCK) {
    for (const { nid, raw } of parseFolderBlock(data.subarray(at, at + EROFS_BLOCK))) {
      if (Buffer.compare(last, raw) >= 0 || raw.includes(0x2f)) throw new WireError("BAD_VALUE", "the names in a folder are not in their order");
      last = raw;
      const name = raw.toString();
      if (name !== "." && name !== "..") found.push({ name, nid });
    }
  }
  return found;
}

/** Entries, then their names; the first name begins where the entries end. */
function parseFolderBlock(block: Uint8Array): readonly { readonly nid: number; readonly raw: Buffer }[] {
  const r = new ByteReader(block);
  const entries: { nid: number; from: number }[] = [];
  for (let end = DIRENT; r.offset < end; ) {
    const nid = Number(r.u64le());
    const from = r.u16le();
    r.bytes(2);
    if (entries.length === 0) end = from;
    entries.push({ nid, from });
  }
  return entries.map(({ nid, from }, i) => {
    const to = entries[i + 1]?.from ?? block.length;
    if (from < entries.length * DIRENT || to <= from || to > block.length) throw new WireError("BAD_VALUE", "a name in a folder has no place");
    const raw = Buffer.from(block.subarray(from, to));
    // Behind a block's last name there may be zeros.
    const end = i + 1 === entries.length ? raw.indexOf(0) : -1;
    return { nid, raw: end < 0 ? raw : raw.subarray(0, end) };
  });
}
