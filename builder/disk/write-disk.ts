import { type FileHandle, open, stat } from "node:fs/promises";
import { VOLUME_POLICY_PARTITION } from "../../proto/release/volume-policy.ts";
import { guidText } from "../efi/guid.ts";
import { BACKUP_SECTORS, encodeGpt, type GptPartition, SECTOR } from "./gpt.ts";

/** Partition types (Discoverable Partitions Specification): EFI system, root and root-verity for x86-64. */
const ESP_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
const ROOT_TYPE = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
const VERITY_TYPE = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5";
/** Ours: approvals of what this image may unseal. No tool mounts it. */
const POLICY_TYPE = "6b756265-646f-4b73-8001-706f6c696379";
const ALIGNMENT = 2 ** 20;
const CHUNK = 2 ** 20;

/** The files of a disk, and the root hash from which its GUIDs derive. */
export interface DiskParts {
  readonly esp: string;
  readonly root: string;
  readonly verity: string;
  /** 64 hex digits: the first half is the root partition's GUID, the second the hash tree's. */
  readonly rootHash: string;
  /** Text; from the image's inputs. */
  readonly diskGuid: string;
  readonly espGuid: string;
  readonly policyGuid: string;
  /** null: the image has no data volumes. */
  readonly policy: string | null;
}

/** Writes a raw disk: GPT, ESP, root, hash tree. Zeros are left out of the file. The same parts give the same bytes. */
export async function writeDisk(parts: DiskParts, out: string): Promise<void> {
  const sources: { path: string; type: string; guid: string; name: string }[] = [
    { path: parts.esp, type: ESP_TYPE, guid: parts.espGuid, name: "esp" },
    { path: parts.root, type: ROOT_TYPE, guid: guidText(parts.rootHash.slice(0, 32)), name: "root" },
    { path: parts.verity, type: VERITY_TYPE, guid: guidText(parts.rootHash.slice(32)), name: "root-verity" },
    ...(parts.policy === null ? [] : [{ path: parts.policy, type: POLICY_TYPE, guid: parts.policyGuid, name: VOLUME_POLICY_PARTITION }]),
  ];
  let at = ALIGNMENT;
  const partitions: GptPartition[] = [];
  for (const { path, type, guid, name } of sources) {
    const size = roundUp((await stat(path)).size, SECTOR);
    partitions.push({ type, guid, name, firstLba: at / SECTOR, lastLba: (at + size) / SECTOR - 1 });
    at = roundUp(at + size, ALIGNMENT);
  }
  const bytes = roundUp(at + BACKUP_SECTORS * SECTOR, ALIGNMENT);
  const gpt = encodeGpt({ guid: parts.diskGuid, sectors: bytes / SECTOR, partitions });
  const disk = await open(out, "wx");
  try {
    await disk.truncate(bytes);
    await disk.write(gpt.primary, 0, gpt.primary.length, 0);
    await disk.write(gpt.backup, 0, gpt.backup.length, gpt.backupOffset);
    for (const [i, p] of partitions.entries()) await copyInto(disk, p.firstLba * SECTOR, sources[i]?.path ?? "");
  } finally {
    await disk.close();
  }
}

async function copyInto(disk: FileHandle, offset: number, path: string): Promise<void> {
  const source = await open(path);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (let at = offset; ; ) {
      const { bytesRead } = await source.read(chunk, 0, CHUNK);
      if (bytesRead === 0) return;
      if (!isZero(chunk.subarray(0, bytesRead))) await disk.write(chunk, 0, bytesRead, at);
      at += bytesRead;
    }
  } finally {
    await source.close();
  }
}

const zeros = Buffer.alloc(CHUNK);

function isZero(data: Buffer): boolean {
  return data.equals(zeros.subarray(0, data.length));
}

function roundUp(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}
