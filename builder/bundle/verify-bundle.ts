import { existsSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { contentsOf } from "../darksite/contents.ts";
import { DarksiteError } from "../darksite/error.ts";
import { type ListedFile, totalBytes } from "../darksite/file-list.ts";
import { DARKSITE } from "../darksite/paths.ts";
import { readDarksite } from "../darksite/read-darksite.ts";
import { checkInRelease, compareFiles } from "../darksite/verify-darksite.ts";
import { APT_INDEXES } from "../darksite/write-apt.ts";
import { BuildError } from "../error.ts";
import { describeBytes } from "../fetch/progress.ts";
import { LockError } from "../lock/error.ts";
import { type Lock, lockDigest } from "../lock/lock.ts";
import { readIndex } from "../out/out-index.ts";
import { findEntry, type IndexFindingCode } from "../out/verify-out.ts";
import { type ReleaseFindingCode, type VerifiedRelease, verifyRelease } from "../out/verify-release.ts";
import type { Provenance } from "../provenance/statement.ts";
import { RELEASE_FILES } from "../release/release-files.ts";
import { ToolError } from "../toolchain/error.ts";
import type { Report } from "../toolchain/report.ts";
import { readInputs } from "./inputs.ts";
import { BUNDLE } from "./make-bundle.ts";
import { parseRecords, requestKey } from "./signature-record.ts";

/** What is wrong with a bundle; `file` is relative to it. */
export interface BundleFinding {
  readonly code: BundleFindingCode;
  readonly file: string;
  readonly what: string;
}

/** Those of the release inside and of its index; INPUTS_WRONG: the spec and lock of the build, or its signatures, can't be read. */
export type BundleFindingCode = ReleaseFindingCode | IndexFindingCode | "INPUTS_WRONG";

/** One thing that was compared, and with what; "not checked" where something that is wrong already left nothing to compare it with. */
export interface BundleCheck {
  readonly what: string;
  readonly with: string;
  readonly result: "good" | "wrong" | "not checked";
}

/** A bundle, looked at. */
export interface VerifiedBundle {
  readonly dir: string;
  readonly files: number;
  readonly bytes: number;
  /** Undefined where its release.json can't be believed. */
  readonly release?: Release;
  readonly checks: readonly BundleCheck[];
  readonly findings: readonly BundleFinding[];
}

/** A bundle to be checked, and the keys that the caller trusts for a reason outside of it. */
export interface VerifyBundleRequest {
  readonly dir: string;
  readonly releaseKeys: readonly KeyObject[];
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Whether a folder is a bundle, whole or not: it has what it takes to build a release again, at the names that only bundles have. */
export function isBundle(dir: string): boolean {
  return existsSync(join(dir, BUNDLE.inputs)) || (existsSync(join(dir, DARKSITE.list)) && existsSync(join(dir, BUNDLE.release)));
}

/**
 * Holds a bundle against its own list of files, its release against the release keys, and what it takes to build that again against what the release says
 * of it. Nothing is built. Gives what is wrong; throws DarksiteError where there is no list to begin with, ToolError `ABORTED`, and file systems' errors.
 */
export async function verifyBundle({ dir: path, releaseKeys, report, signal }: VerifyBundleRequest): Promise<VerifiedBundle> {
  const dir = resolve(path);
  const files = await readList(dir);
  const [checks, findings]: [BundleCheck[], BundleFinding[]] = [[], []];
  const note = (what: string, other: string, found: readonly BundleFinding[] | undefined): void => {
    checks.push({ what, with: other, result: found === undefined ? "not checked" : found.length === 0 ? "good" : "wrong" });
    findings.push(...(found ?? []));
  };
  // A bundle's list is signed by nobody, so a signature beside it is a stranger like any other.
  note(`${files.length} files, ${describeBytes(totalBytes(files))}`, `${DARKSITE.list}, which nobody signed`, await compareFiles({ dir, files, beside: [DARKSITE.list], report, signal }));
  note("the APT repository", "the certificate in it", await checkApt(dir));
  report("comparing the release inside");
  const inside = await verifyInside(dir, releaseKeys);
  const { release, provenance } = inside;
  note(`release ${release?.id ?? "?"}, but for its disks`, "the release key", inside.findings.map((f) => ({ ...f, file: `${BUNDLE.release}/${f.file}` })));
  const { lock, found } = provenance === undefined ? { found: undefined } : await checkLock(dir, provenance, signal);
  note("the lock of the build", "the release's provenance", found);
  note("what the lock names", "the lock", lock === undefined ? undefined : compareLock(lock, files));
  note("the build's signature of release.json", "release.json", release === undefined ? undefined : await checkRecords(dir, releaseKeys));
  if (existsSync(join(dir, BUNDLE.index))) note("the index of releases", "the release key", release === undefined ? undefined : await checkIndex(dir, release, releaseKeys));
  return { dir, files: files.length, bytes: totalBytes(files), ...(release === undefined ? {} : { release }), checks, findings };
}

async function readList(dir: string): Promise<readonly ListedFile[]> {
  try {
    return (await readDarksite(dir)).files;
  } catch (cause) {
    if (!(cause instanceof DarksiteError)) throw cause;
    throw new DarksiteError(cause.code, cause.message, "kubedos-build bundle OUT -o DIR makes it whole", { cause });
  }
}

async function checkApt(dir: string): Promise<readonly BundleFinding[]> {
  try {
    await checkInRelease(dir);
    return [];
  } catch (cause) {
    if (!(cause instanceof DarksiteError)) throw cause;
    return [{ code: "SIGNATURE_WRONG", file: APT_INDEXES[1] ?? "", what: "is not signed by the certificate beside it, or names another index" }];
  }
}

async function verifyInside(dir: string, releaseKeys: readonly KeyObject[]): Promise<VerifiedRelease> {
  const releaseDir = join(dir, BUNDLE.release);
  if (existsSync(releaseDir)) return verifyRelease(releaseDir, releaseKeys, { disks: "elsewhere" });
  return { dir: releaseDir, files: 0, findings: [{ code: "FILE_MISSING", file: RELEASE_FILES.release, what: "is not there" }] };
}

/** The lock is signed by nobody, but provenance, which is, names its digest. */
async function checkLock(dir: string, provenance: Provenance, signal: AbortSignal | undefined): Promise<{ readonly lock?: Lock; readonly found: readonly BundleFinding[] }> {
  const work = await mkdtemp(join(tmpdir(), "kubedos-verify-"));
  const file = BUNDLE.inputs;
  try {
    const { lock } = await readInputs(join(dir, file), work, signal);
    const said = provenance.predicate.buildDefinition.resolvedDependencies.find((d) => d.name === "lock.json");
    if (said?.digest.sha256 === lockDigest(lock)) return { lock, found: [] };
    return { found: [{ code: "DOCUMENTS_DISAGREE", file, what: `holds another lock than ${BUNDLE.release}/${RELEASE_FILES.provenance} names` }] };
  } catch (cause) {
    const unreadable = cause instanceof LockError || (cause instanceof ToolError && cause.code === "FAILED") || (cause as NodeJS.ErrnoException).code === "ENOENT";
    if (!unreadable) throw cause;
    return { found: [{ code: "INPUTS_WRONG", file, what: "holds no lock that can be read" }] };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What the list says of each file that the lock names; whether the files are as the list says was hashed before. */
function compareLock(lock: Lock, files: readonly ListedFile[]): readonly BundleFinding[] {
  const listed = new Map(files.map((f) => [f.path, f.sha256]));
  const wrong = contentsOf(lock).filter(({ path, sha256 }) => listed.get(path) !== sha256);
  return wrong.map(({ path: file }) => (listed.has(file) ? { code: "DOCUMENTS_DISAGREE", file, what: "is not the file that the lock names" } : { code: "FILE_MISSING", file, what: "is not on the list, and the lock names it" }));
}

async function checkRecords(dir: string, releaseKeys: readonly KeyObject[]): Promise<readonly BundleFinding[]> {
  const file = BUNDLE.signatures;
  try {
    const payload = openEnvelope(RELEASE_TYPE, parseEnvelope(await readFile(join(dir, BUNDLE.release, RELEASE_FILES.release))), releaseKeys);
    const records = parseRecords(await readFile(join(dir, file)));
    return records.has(requestKey("document release", payload)) ? [] : [{ code: "DOCUMENTS_DISAGREE", file, what: "holds the signatures of another release" }];
  } catch (cause) {
    return [{ code: "INPUTS_WRONG", file, what: `can't be read: ${errorChain(cause)}` }];
  }
}

async function checkIndex(dir: string, { id, cluster }: Release, releaseKeys: readonly KeyObject[]): Promise<readonly BundleFinding[]> {
  const file = BUNDLE.index;
  try {
    const finding = await findEntry(readIndex(await readFile(join(dir, file)), cluster, releaseKeys), id, join(dir, BUNDLE.release));
    return finding === undefined ? [] : [{ ...finding, file }];
  } catch (cause) {
    if (!(cause instanceof BuildError)) throw cause;
    return [{ code: "INDEX_BROKEN", file, what: cause.message }];
  }
}
