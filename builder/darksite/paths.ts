import { basename } from "node:path";
import { type LockedFile, type LockedWheel, urlFileName } from "../lock/extras.ts";
import type { LockedPackage } from "../lock/lock.ts";

/** Names in a darksite's folder. */
export const DARKSITE = {
  /** Every other file with size and digest; the last that is written. */
  list: "files.json",
  /** DSSE envelope around proto/release/darksite.ts. */
  signature: "files.sig.json",
  aptPool: "apt/pool",
  aptCertificate: "apt/kubedos.gpg",
  ociLayout: "oci/oci-layout",
  ociIndex: "oci/index.json",
  /** What is in the container images, two files for each. */
  sboms: "sbom",
  /** What is not yet whole, by digest. */
  partial: ".partial",
  /** The list of before, while a new one is made. */
  earlierList: ".partial/files.json",
} as const;

/** Folders whose files have their digest from a lock, and stay when another lock is added. */
export const CONTENT_FOLDERS: readonly string[] = [`${DARKSITE.aptPool}/`, "oci/blobs/", "wheels/", "files/"];

/** "apt/pool/debian/openssl_3.5.4-1_amd64.deb". */
export function debFile(locked: LockedPackage): string {
  return `${DARKSITE.aptPool}/${locked.origin}/${basename(locked.path)}`;
}

/** A blob of the one OCI layout (image-layout.md). */
export function blobFile(sha256: string): string {
  return `oci/blobs/sha256/${sha256}`;
}

/** "files/grafana/12.0.1/grafana.tar.gz". */
export function plainFile(locked: LockedFile): string {
  return `files/${locked.name}/${locked.version}/${urlFileName(locked.url)}`;
}

/** As pip's --find-links takes them. */
export function wheelFile(locked: LockedWheel): string {
  return `wheels/${locked.file}`;
}
