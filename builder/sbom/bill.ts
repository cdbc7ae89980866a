import { guidText } from "../efi/guid.ts";
import { deriveBytes } from "../disk/derive.ts";
import { debUrl } from "../lock/fetch-debs.ts";
import type { LockedPackage, Origin } from "../lock/lock.ts";
import type { PackageFiles, UnownedFile } from "./explain-files.ts";
import type { ImagePackage } from "./explain-packages.ts";
import type { BootPart } from "./explain-uki.ts";
import type { NpmPackage } from "./program-packages.ts";

/** A program of ours in the image, and whose code it is made of. */
export interface BillProgram {
  /** Absolute path in the image. */
  readonly path: string;
  readonly packages: readonly NpmPackage[];
}

/** A Debian package whose code is in the boot image, and how it came there. */
export interface BootPackage {
  readonly locked: LockedPackage;
  readonly how: string;
}

/** Everything that one finished image holds; both forms of SBOM are written from it. Lists are sorted. */
export interface Bill {
  readonly cluster: string;
  readonly role: string;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number;
  /** The signed UKI: its digests name the image, because it holds the root hash. Hex. */
  readonly uki: { readonly sha256: string; readonly sha1: string };
  readonly rootHash: string;
  readonly origins: readonly Origin[];
  readonly packages: readonly (ImagePackage & { readonly files: PackageFiles })[];
  readonly bootPackages: readonly BootPackage[];
  readonly programs: readonly BillProgram[];
  readonly boot: readonly BootPart[];
  readonly files: readonly UnownedFile[];
}

/** Package URL (purl-spec, type deb): Debian's own packages with their suite, others under the name of their origin in the lock. */
export function debPurl({ locked, origins }: { readonly locked: LockedPackage; readonly origins: readonly Origin[] }): string {
  const suite = origins.find((o) => o.name === locked.origin)?.suite.replace(/-(updates|security)$/, "") ?? "";
  const debian = /^debian(-|$)/.test(locked.origin);
  const place = debian ? `debian/${purlPart(locked.name)}` : `${purlPart(locked.origin)}/${purlPart(locked.name)}`;
  return `pkg:deb/${place}@${purlPart(locked.version)}?arch=${locked.architecture}${debian ? `&distro=${purlPart(suite)}` : ""}`;
}

/** Package URL of an npm package. */
export function npmPurl({ name, version }: NpmPackage): string {
  return `pkg:npm/${name.split("/").map(purlPart).join("/")}@${purlPart(version)}`;
}

/** Where the lock takes a package from. */
export function debLocation(bill: Bill, locked: LockedPackage): string {
  return debUrl(bill.origins, locked);
}

/** A UUID (RFC 9562 version 8) that follows from the image's digest (hex) and `label`. */
export function billUuid(sha256: string, label: string): string {
  const hex = deriveBytes(sha256, label, 16);
  return guidText(`${hex.slice(0, 12)}8${hex.slice(13, 16)}8${hex.slice(17)}`);
}

/** Seconds since 1970 as SPDX writes times. */
export function billTime(epoch: number): string {
  return new Date(epoch * 1000).toISOString().replace(/\.000Z$/, "Z");
}

/** A part of a package URL as purl-spec wants it: percent-encoded but for colons. */
export function purlPart(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}
