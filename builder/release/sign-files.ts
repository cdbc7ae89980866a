import type { KeyObject } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Release } from "../../proto/release/release.ts";
import type { SignedFileKind } from "../sign/signed-file.ts";
import type { Signer } from "../sign/signer.ts";
import { cosignBundle, sigstoreBundle } from "./bundle.ts";
import { BUNDLE, RELEASE_FILES, sbomFile, ukiFile } from "./release-files.ts";

/**
 * The files of a release that have a plain signature beside them. Disks have none: Ed25519 wants the whole file in memory, and their digests stand in the
 * checksums, in release.json and in the provenance.
 */
export function listSignedFiles(release: Release): readonly { readonly path: string; readonly kind: SignedFileKind }[] {
  const { sums, release: document, provenance } = RELEASE_FILES;
  return [
    { path: sums, kind: "sums" },
    ...[document, provenance].map((path) => ({ path, kind: "envelope" as const })),
    ...release.images.map((image) => ({ path: ukiFile(image.role), kind: "uki" as const })),
    ...release.images.filter((image) => image.sbom !== undefined).flatMap((image) => (["spdx", "cyclonedx"] as const).map((form) => ({ path: sbomFile(image.role, form), kind: "sbom" as const }))),
  ];
}

/** Writes the signatures, in both forms. Throws what the signer throws. */
export async function signFiles(folder: string, release: Release, signer: Signer, releaseKey: KeyObject): Promise<void> {
  for (const { path, kind } of listSignedFiles(release)) {
    const data = await readFile(join(folder, path));
    const signature = await signer.signFile(kind, data);
    await writeFile(join(folder, path + BUNDLE.cosign), cosignBundle(signature));
    if (kind === "sums") await writeFile(join(folder, path + BUNDLE.sigstore), sigstoreBundle(data, signature, releaseKey));
  }
}
