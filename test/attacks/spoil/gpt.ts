import { open } from "node:fs/promises";
import { encodeGpt, type GptDisk, type GptPartition, SECTOR } from "../../../builder/disk/gpt.ts";
import { guidText } from "../../../builder/efi/guid.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import { ByteReader } from "../../../proto/wire/reader.ts";
import type { AttackDisk } from "./disk.ts";

const ENTRY_BYTES = 128;
const ENTRIES_LBA = 2;
const MAX_ENTRIES = 16;
const MIB = 2 ** 20;

/** The table of a disk of ours: entries from sector 2, at most {@link MAX_ENTRIES} of them in use. */
export async function readGpt(disk: AttackDisk): Promise<GptDisk> {
  const file = await open(disk.file, "r");
  try {
    const { size } = await file.stat();
    const head = new Uint8Array(SECTOR * ENTRIES_LBA + ENTRY_BYTES * MAX_ENTRIES);
    await file.read(head, 0, head.length, 0);
    const guid = guidAt(head, SECTOR + 56);
    const partitions: GptPartition[] = [];
    for (let i = 0; i < MAX_ENTRIES; i++) {
      const at = SECTOR * ENTRIES_LBA + i * ENTRY_BYTES;
      const type = guidAt(head, at);
      const reader = new ByteReader(head.subarray(at + 32, at + 48));
      const [firstLba, lastLba] = [Number(reader.u64le()), Number(reader.u64le())];
      const name = Buffer.from(head.subarray(at + 56, at + ENTRY_BYTES)).toString("utf16le").replace(/\0+$/, "");
      if (lastLba > 0) partitions.push({ type, guid: guidAt(head, at + 16), name, firstLba, lastLba });
    }
    return { guid, sectors: size / SECTOR, partitions };
  } finally {
    await file.close();
  }
}

/** Bytes 4, 2, 2 of a GUID are little-endian on the disk; our encoder wants its text. */
function guidAt(data: Uint8Array, at: number): string {
  const b = data.subarray(at, at + 16);
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return guidText(toHex(Uint8Array.from(order, (i) => b[i] ?? 0)));
}

/** A partition that somebody adds to a disk, with what he puts into it. */
export interface AddedPartition {
  readonly type: string;
  readonly guid: string;
  readonly name: string;
  readonly content: Uint8Array;
}

/** Appends partitions behind the others; the table is written anew in both places. */
export async function addPartitions(disk: AttackDisk, added: readonly AddedPartition[]): Promise<void> {
  const old = await readGpt(disk);
  const partitions = [...old.partitions];
  let at = Math.ceil((((partitions.at(-1)?.lastLba ?? 0) + 1) * SECTOR) / MIB) * MIB;
  const contents: { readonly at: number; readonly data: Uint8Array }[] = [];
  for (const { type, guid, name, content } of added) {
    const size = Math.ceil(content.length / MIB) * MIB;
    partitions.push({ type, guid, name, firstLba: at / SECTOR, lastLba: (at + size) / SECTOR - 1 });
    contents.push({ at, data: content });
    at += size;
  }
  await writeTable(disk, { guid: old.guid, sectors: (at + MIB) / SECTOR, partitions });
  const file = await open(disk.file, "r+");
  try {
    for (const { at: offset, data } of contents) await file.write(data, 0, data.length, offset);
  } finally {
    await file.close();
  }
}

/** Writes both copies of a table, and gives the disk its size. */
export async function writeTable(disk: AttackDisk, table: GptDisk): Promise<void> {
  const gpt = encodeGpt(table);
  const file = await open(disk.file, "r+");
  try {
    await file.truncate(table.sectors * SECTOR);
    await file.write(gpt.primary, 0, gpt.primary.length, 0);
    await file.write(gpt.backup, 0, gpt.backup.length, gpt.backupOffset);
  } finally {
    await file.close();
  }
}

/** Where a partition begins, in bytes, and how many it has. Throws where there is none of this name. */
export async function findPartition(disk: AttackDisk, name: string): Promise<{ readonly offset: number; readonly size: number }> {
  const found = (await readGpt(disk)).partitions.find((p) => p.name === name);
  if (found === undefined) throw new Error(`the disk has no partition ${name}`);
  return { offset: found.firstLba * SECTOR, size: (found.lastLba - found.firstLba + 1) * SECTOR };
}
