import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodeEnvelope } from "../../proto/dsse/dsse.ts";
import type { PcrRule, Release, ReleaseImage } from "../../proto/release/release.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { makeDisk } from "../disk/make-disk.ts";
import { KEY_FILES } from "../keys/files.ts";
import { parsePe } from "../pe/parse.ts";
import { authenticodeDigest } from "../sign/authenticode-digest.ts";
import type { Signer } from "../sign/signer.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { withWorkFolder } from "../toolchain/work-folder.ts";
import type { AssembledImage } from "./assemble-image.ts";
import { fileDigest } from "./read-release.ts";
import { diskFile, RELEASE_FILES, ukiFile } from "./release-files.ts";

/** An image whose UKI is signed and whose PCRs are predicted. */
export interface MeasuredImage {
  readonly assembled: AssembledImage;
  readonly signedUki: Uint8Array;
  /** Approvals of what its boots may unseal (proto/release/pcr-signatures.ts); null where the role has no data volumes. */
  readonly volumePolicy: Uint8Array | null;
  readonly pcrs: Readonly<Record<string, PcrRule>>;
}

/** A release to be written. */
export interface SealRequest {
  readonly cluster: string;
  readonly id: string;
  readonly generation: number;
  readonly epoch: number;
  readonly images: readonly MeasuredImage[];
  /** Folder of the key directory's public files. */
  readonly keysDir: string;
  /** The release's folder, `out/<cluster>/<id>`; absolute. */
  readonly dir: string;
  readonly signal?: AbortSignal;
}

/**
 * Makes the disks, the signed `release.json` and the release's folder, under another name first: what has the name is
 * whole, and nothing that has it is overwritten. Throws ToolError or a file system's error.
 */
export async function sealRelease(tc: Toolchain, signer: Signer, request: SealRequest, report: Report): Promise<Release> {
  return await withWorkFolder(dirname(request.dir), request.id, async (work) => {
    const folder = join(work, "release");
    await mkdir(folder);
    const images = await Promise.all(request.images.map((image) => sealImage(tc, image, folder, request, report)));
    const release: Release = {
      kind: "kubedos/release",
      version: 1,
      cluster: request.cluster,
      id: request.id,
      generation: request.generation,
      epoch: request.epoch,
      images: images.sort((a, b) => a.role.localeCompare(b.role)),
    };
    const envelope = await signer.signDocument("release", canonicalJson(release));
    await writeFile(join(folder, RELEASE_FILES.release), encodeEnvelope(envelope));
    await copyKeys(request.keysDir, join(folder, RELEASE_FILES.keys));
    if (!existsSync(request.dir)) await rename(folder, request.dir);
    return release;
  });
}

async function sealImage(tc: Toolchain, image: MeasuredImage, folder: string, request: SealRequest, report: Report): Promise<ReleaseImage> {
  const { role, root, verity, rootHash } = image.assembled;
  const [uki, disk] = [join(folder, ukiFile(role)), join(folder, diskFile(role))];
  await mkdir(join(folder, role));
  await writeFile(uki, image.signedUki);
  report(`${role}: making the disk`);
  await makeDisk(tc, { uki, root, verity, rootHash, volumePolicy: image.volumePolicy, epoch: request.epoch, out: disk, ...(request.signal === undefined ? {} : { signal: request.signal }) });
  return {
    role,
    target: "qemu",
    purpose: "node",
    disk: { file: diskFile(role), size: (await stat(disk)).size, sha256: await fileDigest(disk) },
    uki: { sha256: toHex(sha256(image.signedUki)), authenticode: toHex(authenticodeDigest(parsePe(image.signedUki))) },
    rootHash,
    pcrs: image.pcrs,
  };
}

/** What a target needs to fill a variable store and to verify the release; nothing that is secret. */
async function copyKeys(from: string, to: string): Promise<void> {
  await mkdir(to);
  const { pk, kek, db, root, operatorIssuer, manifest } = KEY_FILES;
  for (const name of [pk, kek, db, root, operatorIssuer, manifest]) await copyFile(join(from, name), join(to, name));
}
