import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import type { Release, ReleaseImage } from "../../proto/release/release.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { readPublicKeys } from "../keys/read-public-keys.ts";
import { parseProvenance, type Provenance, STATEMENT_TYPE } from "../provenance/statement.ts";
import { checkBundle } from "../release/bundle.ts";
import { isOutsideSums, listFiles, sumFiles } from "../release/list-files.ts";
import { readRelease } from "../release/read-release.ts";
import { BUNDLE, RELEASE_FILES, sbomFile, ukiFile } from "../release/release-files.ts";
import { listSignedFiles } from "../release/sign-files.ts";
import { parseSums, type Sums } from "../release/sums.ts";

/** What is wrong with a release's folder; `file` is relative to it. */
export interface ReleaseFinding {
  readonly code: ReleaseFindingCode;
  readonly file: string;
  readonly what: string;
}

/**
 * A signature that isn't the release key's; a file with other contents than is said of it, one that is missing, one that nobody speaks of; documents that
 * contradict each other; keys that aren't the cluster's.
 */
export type ReleaseFindingCode = "SIGNATURE_WRONG" | "FILE_CHANGED" | "FILE_MISSING" | "FILE_EXTRA" | "DOCUMENTS_DISAGREE" | "KEYS_WRONG";

/** A release's folder, looked at. */
export interface VerifiedRelease {
  readonly dir: string;
  /** Undefined where release.json itself can't be believed. */
  readonly release?: Release;
  /** Undefined where it can't be believed. */
  readonly provenance?: Provenance;
  /** How many files were compared. */
  readonly files: number;
  readonly findings: readonly ReleaseFinding[];
}

type Add = (code: ReleaseFindingCode, file: string, what: string) => void;

/** What {@link verifyRelease} is to make of a folder. */
export interface VerifyReleaseOptions {
  /** "elsewhere": disks may be missing, as in a bundle; the documents have to agree about them all the same. */
  readonly disks?: "here" | "elsewhere";
}

/**
 * Holds a release's folder against the release keys, which the caller trusts for a reason outside the folder: every signature, every file's digest, what the
 * documents say of each other, and that nothing else is there. Gives what is wrong; throws only file systems' errors.
 */
export async function verifyRelease(dir: string, releaseKeys: readonly KeyObject[], { disks = "here" }: VerifyReleaseOptions = {}): Promise<VerifiedRelease> {
  const findings: ReleaseFinding[] = [];
  const add: Add = (code, file, what) => void findings.push({ code, file, what });
  const release = await attempt(add, "SIGNATURE_WRONG", RELEASE_FILES.release, () => readRelease(dir, releaseKeys));
  const sums = await attempt(add, "SIGNATURE_WRONG", RELEASE_FILES.sums, async () => parseSums(await readFile(join(dir, RELEASE_FILES.sums))));
  const there = await sumFiles(dir);
  const found = disks === "here" || release === undefined ? there : withDisks(there, release);
  // Without release.json nobody knows which of the files are disks.
  if (sums !== undefined && (disks === "here" || release !== undefined)) compareSums(sums, found, add);
  let provenance: Provenance | undefined;
  if (release !== undefined) {
    compareImages(release, found, add);
    await checkBundles(dir, release, releaseKeys, add);
    provenance = await checkProvenance(dir, release, releaseKeys, found, add);
    const signatures = new Set([RELEASE_FILES.sums, RELEASE_FILES.sums + BUNDLE.sigstore, ...listSignedFiles(release).map(({ path }) => path + BUNDLE.cosign)]);
    for (const path of await listFiles(dir)) if (isOutsideSums(path) && !signatures.has(path)) add("FILE_EXTRA", path, "is no file of this release");
  }
  const keys = await attempt(add, "KEYS_WRONG", RELEASE_FILES.keys, () => readPublicKeys(join(dir, RELEASE_FILES.keys)));
  if (keys !== undefined && (!releaseKeys.some((key) => key.equals(keys.releaseKey)) || keys.cluster !== (release?.cluster ?? keys.cluster))) add("KEYS_WRONG", RELEASE_FILES.keys, "are not the keys of the cluster whose release this is");
  return { dir, ...(release === undefined ? {} : { release }), ...(provenance === undefined ? {} : { provenance }), files: there.size, findings };
}

/** Disks that aren't there count as what release.json says of them, so that the other documents are held against it. */
function withDisks(there: Sums, { images }: Release): Sums {
  return new Map([...images.map(({ disk }) => [disk.file, disk.sha256] as const), ...there]);
}

async function attempt<T>(add: Add, code: ReleaseFindingCode, file: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    add(missing ? "FILE_MISSING" : code, file, missing ? "is not there" : errorChain(cause));
    return undefined;
  }
}

function compareSums(sums: Sums, found: Sums, add: Add): void {
  for (const [path, digest] of sums) {
    const now = found.get(path);
    if (now === undefined) add("FILE_MISSING", path, "is not there");
    else if (now !== digest) add("FILE_CHANGED", path, `has SHA-256 ${now}, ${RELEASE_FILES.sums} says ${digest}`);
  }
  for (const path of found.keys()) if (!sums.has(path)) add("FILE_EXTRA", path, "is no file of this release");
}

function compareImages(release: Release, found: Sums, add: Add): void {
  for (const image of release.images) {
    for (const [path, digest] of digestsOf(image)) {
      if (found.get(path) !== digest) add("DOCUMENTS_DISAGREE", path, `is not the file that ${RELEASE_FILES.release} names`);
    }
  }
}

function digestsOf({ role, disk, uki, sbom }: ReleaseImage): readonly (readonly [string, string])[] {
  const boms = sbom === undefined ? [] : ([[sbomFile(role, "spdx"), sbom.spdx], [sbomFile(role, "cyclonedx"), sbom.cyclonedx]] as const);
  return [[disk.file, disk.sha256], [ukiFile(role), uki.sha256], ...boms];
}

async function checkBundles(dir: string, release: Release, keys: readonly KeyObject[], add: Add): Promise<void> {
  for (const { path, kind } of listSignedFiles(release)) {
    for (const form of kind === "sums" ? (["cosign", "sigstore"] as const) : (["cosign"] as const)) {
      const bundle = path + BUNDLE[form];
      const good = await attempt(add, "SIGNATURE_WRONG", bundle, async () => checkBundle(form, await readFile(join(dir, bundle)), await readFile(join(dir, path)), keys));
      if (good === false) add("SIGNATURE_WRONG", bundle, `is no signature of the release key over ${path}`);
    }
  }
}

async function checkProvenance(dir: string, release: Release, keys: readonly KeyObject[], found: Sums, add: Add): Promise<Provenance | undefined> {
  const file = RELEASE_FILES.provenance;
  const statement = await attempt(add, "SIGNATURE_WRONG", file, async () => parseProvenance(openEnvelope(STATEMENT_TYPE, parseEnvelope(await readFile(join(dir, file))), keys)));
  if (statement === undefined) return undefined;
  const { externalParameters: said, internalParameters } = statement.predicate.buildDefinition;
  const same = said.cluster === release.cluster && said.generation === release.generation && internalParameters.release === release.id;
  const roles = said.roles.map((r) => r.name).sort().join();
  if (!same || roles !== release.images.map((i) => i.role).sort().join()) add("DOCUMENTS_DISAGREE", file, `is the provenance of another release than ${RELEASE_FILES.release}`);
  const subjects = new Map(statement.subject.map((s) => [s.name, s.digest.sha256]));
  const other = [...new Set([...subjects.keys(), ...found.keys()])].find((path) => path !== file && subjects.get(path) !== found.get(path));
  if (other !== undefined) add("DOCUMENTS_DISAGREE", other, `is not the file that ${file} speaks of`);
  return statement;
}
