/** Names under a release's folder (docs/seal.md). */
export const RELEASE_FILES = {
  /** DSSE envelope around proto/release/release.ts. */
  release: "release.json",
  /** DSSE envelope around builder/provenance/statement.ts. */
  provenance: "provenance.json",
  /** Every other file's digest, as sha256sum writes them. */
  sums: "SHA256SUMS",
  /** Public keys: pk.crt, kek.crt, db.crt, root.crt, release.pub (PEM) and keys.json. */
  keys: "keys",
  /** The release key for cosign; one's own copy counts, not this one. */
  releaseKey: "keys/release.pub",
} as const;

/** Beside a signed file: its signature as cosign reads it, and in the form of sigstore's other tools. */
export const BUNDLE = { cosign: ".bundle", sigstore: ".sigstore.json" } as const;

/** Path of a role's signed UKI under the release's folder. */
export function ukiFile(role: string): string {
  return `${role}/uki.efi`;
}

/** Path of a role's disk under the release's folder. */
export function diskFile(role: string): string {
  return `${role}/disk.qcow2`;
}

/** Path of what is in a role's image, under the release's folder. */
export function sbomFile(role: string, form: "spdx" | "cyclonedx"): string {
  return { spdx: `${role}/sbom.spdx.json`, cyclonedx: `${role}/sbom.cdx.json` }[form];
}
