import { createHash, type KeyObject } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { readCleartextMessage, readKey, verify } from "openpgp";
import type { Darksite } from "../../proto/release/darksite.ts";
import { mapToEnd } from "../fetch/map-to-end.ts";
import { describeBytes, makeProgress } from "../fetch/progress.ts";
import type { Report } from "../toolchain/report.ts";
import { DarksiteError } from "./error.ts";
import { type ListedFile, totalBytes } from "./file-list.ts";
import { hashFile } from "./hash-file.ts";
import { DARKSITE } from "./paths.ts";
import { checkSignature, readDarksite } from "./read-darksite.ts";
import { APT_INDEXES } from "./write-apt.ts";

const AT_ONCE = 2;
/** After so many the rest is not worth a list. */
const NAMED = 20;

/** A darksite to be checked. */
export interface VerifyDarksiteRequest {
  readonly dir: string;
  /** The key that it must be signed by; undefined: only whether it agrees with itself. */
  readonly releaseKey?: KeyObject | undefined;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** What was found good. */
export interface VerifiedDarksite {
  readonly files: number;
  readonly bytes: number;
  readonly signed: Darksite | undefined;
}

/**
 * Checks the signature, hashes every file of the list, looks for files that aren't on it, and checks the InRelease by its certificate.
 * Throws DarksiteError, which names what differs.
 */
export async function verifyDarksite(request: VerifyDarksiteRequest): Promise<VerifiedDarksite> {
  const { report, signal, releaseKey } = request;
  const dir = resolve(request.dir);
  const { files, bytes } = await readDarksite(dir);
  const signed = releaseKey === undefined ? undefined : await checkSignature(dir, bytes, releaseKey);
  const faults = await compareFiles({ dir, files, beside: [DARKSITE.list, DARKSITE.signature], report, signal });
  if (faults.length > 0) throw differs(dir, faults.map(({ file, what }) => `${file} ${what}`));
  await checkInRelease(dir);
  return { files: files.length, bytes: totalBytes(files), signed };
}

/** A folder to be held against its list of files. */
export interface CompareFilesRequest extends Pick<VerifyDarksiteRequest, "dir" | "report" | "signal"> {
  readonly files: readonly ListedFile[];
  /** Files that stand beside the list, and on no list. */
  readonly beside: readonly string[];
}

/** A file that is not as the list says; `file` is relative to the folder. */
export interface FileFault {
  readonly code: "FILE_MISSING" | "FILE_CHANGED" | "FILE_EXTRA";
  readonly file: string;
  readonly what: string;
}

/** Hashes every file of a list, a megabyte at a time, and looks for files that aren't on it. Throws ToolError `ABORTED` or a file system's error. */
export async function compareFiles({ dir, files, beside, report, signal }: CompareFilesRequest): Promise<readonly FileFault[]> {
  report(`hashing ${files.length} files, ${describeBytes(totalBytes(files))}`);
  const progress = makeProgress(report, "hashing", totalBytes(files));
  const found = await mapToEnd(files, AT_ONCE, (file, either) => fault(dir, file, progress.add, either), signal);
  const listed = new Set([...files.map((f) => f.path), ...beside]);
  const strangers = (await filesUnder(dir)).filter((path) => !listed.has(path)).map((file): FileFault => ({ code: "FILE_EXTRA", file, what: "is not on the list" }));
  return [...found.filter((f) => f !== undefined), ...strangers];
}

async function fault(dir: string, { path: file, size, sha256 }: ListedFile, onBytes: (count: number) => void, signal: AbortSignal | undefined): Promise<FileFault | undefined> {
  const found = await stat(join(dir, file)).catch(() => undefined);
  if (found?.isFile() !== true) return { code: "FILE_MISSING", file, what: "is missing" };
  if (found.size !== size) return { code: "FILE_CHANGED", file, what: `has ${found.size} bytes, not ${size}` };
  const digest = await hashFile(join(dir, file), { onBytes, signal });
  return digest === sha256 ? undefined : { code: "FILE_CHANGED", file, what: `has SHA-256 ${digest}, not ${sha256}` };
}

async function filesUnder(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((e) => !e.isDirectory()).map((e) => relative(dir, join(e.parentPath, e.name))).filter((path) => !path.startsWith(`${DARKSITE.partial}/`)).sort();
}

function differs(dir: string, faults: readonly string[]): DarksiteError {
  const more = faults.length > NAMED ? `\n  and ${faults.length - NAMED} more` : "";
  return new DarksiteError("DARKSITE_DIFFERS", `${dir} is not what its list says:\n  ${faults.slice(0, NAMED).join("\n  ")}${more}`, "kubedos-build darksite SPEC --lock LOCK -o DIR brings what is missing; take away what isn't on the list");
}

/** As apt does it: the certificate signed the InRelease, which names the index. Throws DarksiteError `DARKSITE_DIFFERS`. */
export async function checkInRelease(dir: string): Promise<void> {
  const [index = "", inRelease = "", certificate = ""] = APT_INDEXES.map((path) => join(dir, path));
  const bad = (why: string, cause?: unknown): never => {
    throw new DarksiteError("DARKSITE_DIFFERS", `${inRelease} ${why}`, "", { cause });
  };
  try {
    const message = await readCleartextMessage({ cleartextMessage: await readFile(inRelease, "utf8") });
    const key = await readKey({ binaryKey: await readFile(certificate) });
    const { signatures } = await verify({ message, verificationKeys: key, expectSigned: true });
    await Promise.all(signatures.map((s) => s.verified));
    const digest = createHash("sha256").update(await readFile(index)).digest("hex");
    if (!message.getText().split("\n").some((line) => line.trim().startsWith(`${digest} `))) bad("names another index than the one beside it");
  } catch (cause) {
    if (cause instanceof DarksiteError) throw cause;
    bad("is not signed by the certificate beside it", cause);
  }
}
