import { constants, copyFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { type KeptFiles, keepFiles, takeFiles } from "../release/kept-files.ts";
import { fileDigest } from "../release/read-release.ts";
import { cacheKey } from "../toolchain/cached-tree.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { type DiskRequest, makeDisk } from "./make-disk.ts";

const DISK = "disk.qcow2";

/** Everything that a disk is a function of. */
export interface DiskInputs extends Omit<DiskRequest, "uki" | "out"> {
  /** For people. */
  readonly role: string;
  /** Key of the image's inputs: our own code and the toolchain are among them. */
  readonly imageKey: string;
  readonly signedUki: Uint8Array;
  /** SHA-256 of the root file system as it lies there, hex. */
  readonly rootDigest: string;
}

/** A disk in the cache. */
export interface KeptDisk {
  /** Its folder's name. */
  readonly name: string;
  /** Writes it to a path at which nothing is, as a file of its own; gives the SHA-256 of what stands there, hex. Throws ToolError. */
  readonly copyTo: (out: string) => Promise<string>;
}

/** Finds or makes an image's disk in the cache: releases in which the image is the same share the work. Throws ToolError. */
export async function keepDisk(tc: Toolchain, inputs: DiskInputs, cacheDir: string, report: Report): Promise<KeptDisk> {
  const { imageKey, signedUki, rootDigest, rootHash, volumePolicy, epoch } = inputs;
  const digest = (data: Uint8Array): string => toHex(sha256(data));
  const key = [tc.key, imageKey, digest(signedUki), rootDigest, await fileDigest(inputs.verity), rootHash, volumePolicy === null ? null : digest(volumePolicy), epoch];
  const kept: KeptFiles = {
    name: `disk-${cacheKey(key)}`,
    make: async (dir) => {
      report(`${inputs.role}: making the disk`);
      const uki = join(dir, "uki.efi");
      await writeFile(uki, signedUki);
      await makeDisk(tc, { ...inputs, uki, out: join(dir, DISK) });
      await rm(uki);
    },
  };
  await keepFiles(cacheDir, kept);
  return { name: kept.name, copyTo: (out) => takeFiles(cacheDir, kept, report, (dir) => copyHashed(join(dir, DISK), out)) };
}

/** A copy, never a link: whoever writes into one release's disk must not reach another's. Where the file system can, the blocks are shared until then. */
async function copyHashed(from: string, to: string): Promise<{ readonly value: string; readonly sums: ReadonlyMap<string, string> }> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const value = await fileDigest(to);
  return { value, sums: new Map([[DISK, value]]) };
}
