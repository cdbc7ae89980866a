import { crc32 } from "node:zlib";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { guidBytes } from "../efi/guid.ts";

/** Bytes in a sector. */
export const SECTOR = 512;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
/** Sectors of the entry array, and of it with a header. */
const ARRAY_SECTORS = (ENTRIES * ENTRY_BYTES) / SECTOR;
/** Sectors behind the last partition: entry array and header. */
export const BACKUP_SECTORS: number = ARRAY_SECTORS + 1;

/** One partition. LBAs are inclusive; GUIDs are text. */
export interface GptPartition {
  readonly type: string;
  readonly guid: string;
  readonly name: string;
  readonly firstLba: number;
  readonly lastLba: number;
}

/** A whole disk's table. */
export interface GptDisk {
  readonly guid: string;
  readonly sectors: number;
  readonly partitions: readonly GptPartition[];
}

/** A GPT's two copies, and where they go on the disk (bytes). */
export interface GptBytes {
  /** Protective MBR, header, entries: at 0. */
  readonly primary: Uint8Array;
  /** Entries, then header: at `backupOffset`, to the disk's last sector. */
  readonly backup: Uint8Array;
  readonly backupOffset: number;
}

/** GUID partition table (UEFI 2.10 §5.3) with 128 entries. A function of its input. Throws RangeError when it doesn't fit. */
export function encodeGpt(disk: GptDisk): GptBytes {
  check(disk);
  const entries = encodeEntries(disk.partitions);
  const last = disk.sectors - 1;
  const primaryHeader = encodeHeader(disk, entries, { own: 1, other: last, array: 2 });
  const backupHeader = encodeHeader(disk, entries, { own: last, other: 1, array: last - ARRAY_SECTORS });
  return {
    primary: concatBytes(protectiveMbr(disk.sectors), primaryHeader, entries),
    backup: concatBytes(entries, backupHeader),
    backupOffset: (last - ARRAY_SECTORS) * SECTOR,
  };
}

function check(disk: GptDisk): void {
  if (disk.partitions.length > ENTRIES) throw new RangeError(`${disk.partitions.length} partitions, at most ${ENTRIES}`);
  let free = 2 + ARRAY_SECTORS;
  for (const p of disk.partitions) {
    if (p.firstLba < free || p.lastLba < p.firstLba) throw new RangeError(`partition ${p.name} overlaps what stands before it`);
    free = p.lastLba + 1;
  }
  if (free > disk.sectors - BACKUP_SECTORS) throw new RangeError("the partitions don't fit the disk");
}

function encodeEntries(partitions: readonly GptPartition[]): Uint8Array {
  const w = new ByteWriter();
  for (const p of partitions) {
    const name = new Uint8Array(72);
    name.set(Buffer.from(p.name, "utf16le"));
    w.bytes(guidBytes(p.type)).bytes(guidBytes(p.guid)).u64le(BigInt(p.firstLba)).u64le(BigInt(p.lastLba)).u64le(0n).bytes(name);
  }
  return w.bytes(new Uint8Array((ENTRIES - partitions.length) * ENTRY_BYTES)).done();
}

function encodeHeader(disk: GptDisk, entries: Uint8Array, at: { own: number; other: number; array: number }): Uint8Array {
  const header = (crc: number) =>
    new ByteWriter()
      .bytes(Buffer.from("EFI PART", "ascii"))
      .u32le(0x0001_0000)
      .u32le(92)
      .u32le(crc)
      .u32le(0)
      .u64le(BigInt(at.own))
      .u64le(BigInt(at.other))
      .u64le(BigInt(2 + ARRAY_SECTORS))
      .u64le(BigInt(disk.sectors - BACKUP_SECTORS - 1))
      .bytes(guidBytes(disk.guid))
      .u64le(BigInt(at.array))
      .u32le(ENTRIES)
      .u32le(ENTRY_BYTES)
      .u32le(crc32(entries))
      .done();
  return concatBytes(header(crc32(header(0))), new Uint8Array(SECTOR - 92));
}

/** One partition of type EE over the whole disk, so that tools of the MBR's age see no free space (UEFI 2.10 §5.2.3). */
function protectiveMbr(sectors: number): Uint8Array {
  return new ByteWriter()
    .bytes(new Uint8Array(446))
    .bytes(Uint8Array.of(0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff))
    .u32le(1)
    .u32le(Math.min(sectors - 1, 0xffff_ffff))
    .bytes(new Uint8Array(48))
    .u16le(0xaa55)
    .done();
}
