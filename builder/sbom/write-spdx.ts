import { createHash } from "node:crypto";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { LockedPackage } from "../lock/lock.ts";
import { VERSION } from "../version.ts";
import { type Bill, type BillProgram, billTime, billUuid, debLocation, debPurl, npmPurl } from "./bill.ts";
import { type Content, fileContent } from "./content.ts";
import type { NpmPackage } from "./program-packages.ts";

interface Relationship {
  readonly spdxElementId: string;
  readonly relationshipType: "DESCRIBES" | "CONTAINS" | "GENERATED_FROM";
  readonly relatedSpdxElement: string;
}

interface SpdxFile {
  readonly SPDXID: string;
  readonly fileName: string;
  /** SHA-1 first. */
  readonly checksums: readonly [Checksum, Checksum];
  readonly comment: string;
}

interface Checksum {
  readonly algorithm: "SHA1" | "SHA256";
  readonly checksumValue: string;
}

const IMAGE = "SPDXRef-Image";

/** A bill as SPDX 2.3 JSON: the same bill, the same bytes. */
export function writeSpdx(bill: Bill): Uint8Array {
  const name = `kubedos-${bill.cluster}-${bill.role}`;
  const npm = uniqueNpm(bill.programs);
  const files = [...bill.boot, ...bill.files].map(file);
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${name}-${billUuid(bill.uki.sha256, "spdx")}`,
    creationInfo: { created: billTime(bill.epoch), creators: [`Tool: kubedos-build-${VERSION}`] },
    packages: [imagePackage(bill, files), ...bill.packages.map((p) => debPackage(bill, p.locked, `${p.files.present} of its files are in the image, ${p.files.leftOut} were left out; built from source ${p.source.name} ${p.source.version}`)), ...bootPackages(bill), ...bill.programs.map(programPackage), ...npm.map(npmPackage)],
    files,
    relationships: relationships(bill),
  };
  return utf8(`${JSON.stringify(document)}\n`);
}

/** Only a package with `filesAnalyzed` may contain files, and it then has a code over all of them (SPDX 2.3, 7.8 and 7.9). */
function imagePackage(bill: Bill, files: readonly SpdxFile[]): object {
  return {
    SPDXID: IMAGE,
    name: `${bill.cluster}-${bill.role}`,
    versionInfo: bill.rootHash,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: true,
    packageVerificationCode: { packageVerificationCodeValue: createHash("sha1").update(files.map((f) => f.checksums[0].checksumValue).sort().join("")).digest("hex") },
    primaryPackagePurpose: "OPERATING-SYSTEM",
    checksums: [{ algorithm: "SHA256", checksumValue: bill.uki.sha256 }],
    comment: "The checksum is the signed UKI's, the version its dm-verity root hash: together they cover every byte of the image. The verification code is of the files that no package owns.",
  };
}

function debPackage(bill: Bill, locked: LockedPackage, comment: string, id = debId(locked.name)): object {
  return {
    SPDXID: id,
    name: locked.name,
    versionInfo: locked.version,
    downloadLocation: debLocation(bill, locked),
    filesAnalyzed: false,
    checksums: [{ algorithm: "SHA256", checksumValue: locked.sha256 }],
    comment,
    externalRefs: [purlRef(debPurl({ locked, origins: bill.origins }))],
  };
}

function bootPackages(bill: Bill): readonly object[] {
  return bill.bootPackages.map(({ locked, how }) => debPackage(bill, locked, how, bootId(locked.name)));
}

function programPackage(program: BillProgram): object {
  return {
    SPDXID: programId(program),
    name: programName(program),
    versionInfo: VERSION,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    primaryPackagePurpose: "APPLICATION",
    comment: `${program.path}, compiled from this project's source`,
  };
}

function npmPackage(p: NpmPackage): object {
  return {
    SPDXID: npmId(p),
    name: p.name,
    versionInfo: p.version,
    downloadLocation: `https://registry.npmjs.org/${p.name}/-/${p.name.slice(p.name.lastIndexOf("/") + 1)}-${p.version}.tgz`,
    filesAnalyzed: false,
    checksums: [{ algorithm: "SHA512", checksumValue: p.sha512 }],
    externalRefs: [purlRef(npmPurl(p))],
  };
}

function purlRef(purl: string): object {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl };
}

/** A link counts as a file that holds its target, a device as an empty one. */
function file({ path, content, from }: { readonly path: string; readonly content: Content; readonly from: string }): SpdxFile {
  const { sha1, sha256 } = content.kind === "file" ? content : fileContent(utf8(content.kind === "link" ? content.target : ""));
  const kind = { file: "", link: content.kind === "link" ? `link to ${content.target}; ` : "", device: "device; " }[content.kind];
  return {
    SPDXID: fileId(path),
    fileName: `./${path.replace(/^\//, "")}`,
    checksums: [{ algorithm: "SHA1", checksumValue: sha1 }, { algorithm: "SHA256", checksumValue: sha256 }],
    comment: `${kind}${from}`,
  };
}

function relationships(bill: Bill): readonly Relationship[] {
  const contains = (from: string, to: string): Relationship => ({ spdxElementId: from, relationshipType: "CONTAINS", relatedSpdxElement: to });
  const made = (program: BillProgram): Relationship => ({ spdxElementId: fileId(program.path), relationshipType: "GENERATED_FROM", relatedSpdxElement: programId(program) });
  return [
    { spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: IMAGE },
    ...bill.packages.map((p) => contains(IMAGE, debId(p.locked.name))),
    ...bill.bootPackages.map((p) => contains(IMAGE, bootId(p.locked.name))),
    ...bill.programs.flatMap((program) => [contains(IMAGE, programId(program)), made(program), ...program.packages.map((p) => contains(programId(program), npmId(p)))]),
    ...bill.boot.map((part) => contains(IMAGE, fileId(part.path))),
    ...bill.files.map((f) => contains(IMAGE, fileId(f.path))),
  ];
}

function uniqueNpm(programs: readonly BillProgram[]): readonly NpmPackage[] {
  const byId = new Map(programs.flatMap((program) => program.packages).map((p) => [npmId(p), p]));
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p);
}

function programName(program: BillProgram): string {
  return program.path.slice(program.path.lastIndexOf("/") + 1);
}

// SPDX ids hold letters, digits, dots and dashes (SPDX 2.3, 7.2); names of Debian packages have a plus beside those.
const debId = (name: string): string => `SPDXRef-Deb-${name.replaceAll("+", "-plus")}`;
const bootId = (name: string): string => `SPDXRef-Boot-${name.replaceAll("+", "-plus")}`;
const programId = (program: BillProgram): string => `SPDXRef-Program-${programName(program)}`;
const npmId = (p: NpmPackage): string => `SPDXRef-Npm-${`${p.name}-${p.version}`.replace(/[^A-Za-z0-9.-]/g, "-")}`;
const fileId = (path: string): string => `SPDXRef-File-${createHash("sha256").update(path).digest("hex").slice(0, 24)}`;
