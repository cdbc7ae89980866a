import type { Disk } from "./find-disk.ts";
import { HEADER_BYTES, METADATA_KIB } from "./luks.ts";
import type { BlockDevices } from "./ports.ts";

/** First bytes of a LUKS2 header's first and second copy, and of dm-integrity's own header where our data begins. */
const LUKS_MAGIC = [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe] as const;
const SECOND_MAGIC = [0x53, 0x4b, 0x55, 0x4c, 0xba, 0xbe] as const;
const INTEGRITY_MAGIC = [0x69, 0x6e, 0x74, 0x65, 0x67, 0x72, 0x74, 0x00] as const;
/** Where the second copy begins, and what is written at once, as far as disks know that. */
const SECOND = METADATA_KIB * 1024;
const ATOM = 4096;

/**
 * The pieces of a header, from and to, in the order in which they go to the disk: behind each, either no copy has its first bytes
 * yet, or one is whole.
 */
export const HEADER_PIECES: readonly (readonly [number, number])[] = [
  [2 * SECOND, HEADER_BYTES],
  [SECOND + ATOM, 2 * SECOND],
  [SECOND, SECOND + ATOM],
  [ATOM, SECOND],
  [0, ATOM],
];

/**
 * What a disk seems to hold. blank: nothing was ever written where any known table, header or label stands. half-made: the making of a volume
 * was cut short before its header was written, so nothing was ever stored on it. luks: a header. foreign: something else.
 */
export type DiskContents = "blank" | "half-made" | "luks" | "foreign";

/** Looks at the first and the last MiB. Whatever isn't surely without data is foreign. */
export async function classifyDisk(blocks: BlockDevices, disk: Disk): Promise<DiskContents> {
  const head = await blocks.read(disk.path, 0, HEADER_BYTES);
  // One copy is enough: cryptsetup mends the other.
  if (startsWith(head, LUKS_MAGIC) || (isZero(head.subarray(0, ATOM)) && startsWith(head.subarray(SECOND), SECOND_MAGIC))) return "luks";
  if (!isZero(head.subarray(0, ATOM))) return "foreign";
  const behind = await blocks.read(disk.path, HEADER_BYTES, INTEGRITY_MAGIC.length);
  if (startsWith(behind, INTEGRITY_MAGIC)) return "half-made";
  const tail = await blocks.read(disk.path, Math.max(0, disk.bytes - HEADER_BYTES), HEADER_BYTES);
  return isZero(head) && isZero(behind) && isZero(tail) ? "blank" : "foreign";
}

function startsWith(data: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => data[i] === byte);
}

function isZero(data: Uint8Array): boolean {
  return Buffer.from(data.buffer, data.byteOffset, data.length).equals(Buffer.alloc(data.length));
}
