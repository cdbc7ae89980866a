import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readdir, rename, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodeEnvelope } from "../../proto/dsse/dsse.ts";
import type { PcrRule, Release, ReleaseImage } from "../../proto/release/release.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { KEY_FILES } from "../keys/files.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import { parsePe } from "../pe/parse.ts";
import { makeStatement, type ProvenanceInputs } from "../provenance/make-statement.ts";
import { authenticodeDigest } from "../sign/authenticode-digest.ts";
import type { Signer } from "../sign/signer.ts";
import { withWorkFolder } from "../toolchain/work-folder.ts";
import type { AssembledImage } from "./assemble-image.ts";
import { sumFiles } from "./list-files.ts";
import { mapLimited } from "./map-limited.ts";
import { diskFile, RELEASE_FILES, sbomFile, ukiFile } from "./release-files.ts";
import { signFiles } from "./sign-files.ts";
import { encodeSums } from "./sums.ts";

/** Each is copied and hashed: so many of some hundred MB at once. */
const PARALLEL_DISKS = 2;

/** An image whose UKI is signed, whose PCRs are predicted, whose contents are known and whose disk is at hand. */
export interface MeasuredImage {
  readonly assembled: AssembledImage;
  readonly signedUki: Uint8Array;
  readonly pcrs: Readonly<Record<string, PcrRule>>;
  /** The files' bytes. */
  readonly sbom: { readonly spdx: Uint8Array; readonly cyclonedx: Uint8Array };
  /** Writes the disk to a path at which nothing is; gives the SHA-256 of what stands there, hex. */
  readonly writeDisk: (out: string) => Promise<string>;
}

/** A release to be written. */
export interface SealRequest {
  readonly cluster: string;
  readonly id: string;
  readonly generation: number;
  readonly epoch: number;
  readonly images: readonly MeasuredImage[];
  /** What all of it was made of. */
  readonly plan: Pick<ProvenanceInputs, "images" | "lock" | "recipe">;
  readonly keys: PublicKeys;
  /** Folder of the key directory's public files. */
  readonly keysDir: string;
  /** The release's folder, `out/<cluster>/<id>`; absolute. */
  readonly dir: string;
}

/**
 * Lays the disks down and everything that is said of them, each after what it covers: SBOMs, `release.json` with their digests, the provenance over all of
 * these, the checksums over all of that, and the plain signatures. It stands under another name first: what has the release's name is whole, and nothing
 * that has it is overwritten. Throws ToolError or a file system's error.
 */
export async function sealRelease(signer: Signer, request: SealRequest): Promise<Release> {
  return await withWorkFolder(dirname(request.dir), request.id, async (work) => {
    const folder = join(work, "release");
    await mkdir(folder);
    const images = await mapLimited(request.images, PARALLEL_DISKS, (image) => sealImage(image, folder));
    const release: Release = {
      kind: "kubedos/release",
      version: 1,
      cluster: request.cluster,
      id: request.id,
      generation: request.generation,
      epoch: request.epoch,
      images: [...images].sort((a, b) => (a.role < b.role ? -1 : 1)),
    };
    await writeFile(join(folder, RELEASE_FILES.release), encodeEnvelope(await signer.signDocument("release", canonicalJson(release))));
    await copyKeys(request, join(folder, RELEASE_FILES.keys));
    await sumUp(folder, release, request, signer);
    await settle(folder, request.epoch);
    if (!existsSync(request.dir)) await rename(folder, request.dir);
    return release;
  });
}

async function sealImage(image: MeasuredImage, folder: string): Promise<ReleaseImage> {
  const { role, rootHash, missing, volumes } = image.assembled;
  const [uki, disk] = [join(folder, ukiFile(role)), join(folder, diskFile(role))];
  await mkdir(join(folder, role));
  await writeFile(uki, image.signedUki);
  for (const form of ["spdx", "cyclonedx"] as const) await writeFile(join(folder, sbomFile(role, form)), image.sbom[form]);
  const digest = await image.writeDisk(disk);
  return {
    role,
    target: "qemu",
    purpose: "node",
    disk: { file: diskFile(role), size: (await stat(disk)).size, sha256: digest },
    uki: { sha256: toHex(sha256(image.signedUki)), authenticode: toHex(authenticodeDigest(parsePe(image.signedUki))) },
    sbom: { spdx: toHex(sha256(image.sbom.spdx)), cyclonedx: toHex(sha256(image.sbom.cyclonedx)) },
    rootHash,
    pcrs: image.pcrs,
    ...(missing.length === 0 ? {} : { missing: [...missing] }),
    ...(volumes.length === 0 ? {} : { volumes: volumes.map(({ name, mount, size }) => ({ name, mount, size })) }),
  };
}

/** What a target needs to fill a variable store, and what cosign needs to verify; nothing that is secret. */
async function copyKeys({ keysDir, keys }: SealRequest, to: string): Promise<void> {
  await mkdir(to);
  const { pk, kek, db, root, operatorIssuer, manifest } = KEY_FILES;
  for (const name of [pk, kek, db, root, operatorIssuer, manifest]) await copyFile(join(keysDir, name), join(to, name));
  await writeFile(join(dirname(to), RELEASE_FILES.releaseKey), keys.releaseKey.export({ type: "spki", format: "pem" }));
}

async function sumUp(folder: string, release: Release, request: SealRequest, signer: Signer): Promise<void> {
  const disks = new Map(release.images.map((image) => [image.disk.file, image.disk.sha256]));
  const files = await sumFiles(folder, disks);
  const statement = makeStatement({ ...request.plan, id: release.id, generation: release.generation, keys: request.keys }, files);
  const provenance = encodeEnvelope(await signer.signDocument("provenance", canonicalJson(statement)));
  await writeFile(join(folder, RELEASE_FILES.provenance), provenance);
  await writeFile(join(folder, RELEASE_FILES.sums), encodeSums(new Map([...files, [RELEASE_FILES.provenance, toHex(sha256(provenance))]])));
  await signFiles(folder, release, signer, request.keys.releaseKey);
}

/** Modes and times are no property of who builds or when. */
async function settle(folder: string, epoch: number): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    await chmod(path, entry.isDirectory() ? 0o755 : 0o444);
    await utimes(path, epoch, epoch);
  }
  await chmod(folder, 0o755);
  await utimes(folder, epoch, epoch);
}
