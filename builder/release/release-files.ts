/** Names under a release's folder. */
export const RELEASE_FILES = {
  /** DSSE envelope around proto/release/release.ts. */
  release: "release.json",
  /** Public keys: pk.crt, kek.crt, db.crt, root.crt (PEM) and keys.json. */
  keys: "keys",
} as const;

/** Path of a role's signed UKI under the release's folder. */
export function ukiFile(role: string): string {
  return `${role}/uki.efi`;
}

/** Path of a role's disk under the release's folder. */
export function diskFile(role: string): string {
  return `${role}/disk.qcow2`;
}
