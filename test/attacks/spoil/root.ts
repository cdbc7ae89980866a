import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { makeVerity } from "../../../builder/rootfs/make-verity.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import type { AttackWorld } from "../world.ts";
import { type AttackDisk, patchDisk } from "./disk.ts";
import { findInErofs } from "./erofs.ts";
import { findPartition } from "./gpt.ts";

/** Every boot reads its first block, long before any network. */
const VICTIM = "/usr/lib/kubedos/kubedos-agent";
const BLOCK = 4096;
/** veritysetup's superblock: the salt stands at 88. */
const SALT = { at: 88, bytes: 32 } as const;

/** Flips one bit of one block of the agent's program. */
export async function flipRootBlock(world: AttackWorld, disk: AttackDisk): Promise<void> {
  const { offset } = await findPartition(disk, "root");
  const at = offset + (await findInErofs(world, disk, offset, VICTIM));
  await patchDisk(disk, at + BLOCK / 2, (old) => old.map((byte) => byte ^ 1), 1);
}

/** Makes the hash tree fit the root file system as it is now, with the salt that init knows: all but the sealed root hash is right again. */
export async function swapVerityTree(world: AttackWorld, disk: AttackDisk): Promise<void> {
  const [root, verity] = [await findPartition(disk, "root"), await findPartition(disk, "root-verity")];
  const [image, tree] = [join(world.dir, "root.erofs"), join(world.dir, "root.verity")];
  await pipeline(createReadStream(disk.file, { start: root.offset, end: root.offset + root.size - 1, highWaterMark: 1 << 20 }), createWriteStream(image));
  const superblock = new Uint8Array(512);
  const file = await open(disk.file, "r");
  await file.read(superblock, 0, superblock.length, verity.offset).finally(() => file.close());
  const salt = toHex(superblock.subarray(SALT.at, SALT.at + SALT.bytes));
  await makeVerity(world.demo.built.tc, image, tree, { uuid: "3e6d9a10-6c0f-4d5c-9a55-51b3f1d6a002", salt });
  await pipeline(createReadStream(tree, { highWaterMark: 1 << 20 }), createWriteStream(disk.file, { flags: "r+", start: verity.offset }));
}
