import type { KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { encodeEnvelope } from "../../proto/dsse/dsse.ts";
import type { Darksite } from "../../proto/release/darksite.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { mapToEnd } from "../fetch/map-to-end.ts";
import { describeBytes, makeProgress } from "../fetch/progress.ts";
import type { Lock } from "../lock/lock.ts";
import type { Signer } from "../sign/signer.ts";
import type { Report } from "../toolchain/report.ts";
import { type Content, contentsOf, copyFrom, type GetOptions } from "./contents.ts";
import { DarksiteError } from "./error.ts";
import { encodeFileList, type ListedFile, totalBytes } from "./file-list.ts";
import { hashFile, isFile } from "./hash-file.ts";
import { lockDarksite } from "./lock-darksite.ts";
import { CONTENT_FOLDERS, DARKSITE } from "./paths.ts";
import { checkSignature, type FileListing, readDarksite } from "./read-darksite.ts";
import { APT_INDEXES, writeApt } from "./write-apt.ts";
import { holdsImages, laidImages, OCI_INDEXES, writeOci } from "./write-oci.ts";
import { sbomPaths, writeSboms } from "./write-sboms.ts";
import { writeWhole } from "./write-whole.ts";

const AT_ONCE = 4;

/** Who vouches for a darksite's list of files. */
export interface DarksiteSigning {
  readonly cluster: string;
  readonly signer: Signer;
  readonly releaseKey: KeyObject;
}

/** A darksite to be made or filled up. */
export interface MakeDarksiteRequest {
  readonly lock: Lock;
  readonly dir: string;
  readonly cacheDir: string;
  /** Who signs it, and the public key to compare with; undefined: it stays unsigned. */
  readonly signing?: DarksiteSigning | undefined;
  readonly now: Date;
  /** Puts more files into the folder, each whole, and gives their paths: they are listed too. */
  readonly addFiles?: ((dir: string) => Promise<readonly string[]>) | undefined;
  /** Darksites that are looked into before any server is asked. */
  readonly sources?: readonly string[] | undefined;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** What became of it. */
export interface MakeDarksiteResult {
  readonly files: number;
  readonly bytes: number;
  /** Files that were not there before. */
  readonly added: number;
  /** True: it was whole already and stays as it is. */
  readonly kept: boolean;
}

/**
 * Brings everything that a lock names into a folder, signs it, and lists it last (docs/darksite.md). What an earlier run brought is
 * hashed and kept, that of other locks too; what is half there is continued. Throws DarksiteError, FetchError, LockError, ToolError, or ContainerError for an image whose packages can't be told.
 */
export async function makeDarksite(request: MakeDarksiteRequest): Promise<MakeDarksiteResult> {
  const dir = resolve(request.dir);
  const release = await lockDarksite(dir);
  try {
    const before = await readList(dir, DARKSITE.list);
    const wanted = contentsOf(request.lock);
    const paths = new Set(wanted.map((w) => w.path));
    const earlier = before?.files ?? (await readList(dir, DARKSITE.earlierList))?.files ?? [];
    const listed = earlier.filter((f) => CONTENT_FOLDERS.some((folder) => f.path.startsWith(folder)) && !paths.has(f.path));
    const kept = await stillThere(dir, listed, request);
    const added = await fill(dir, wanted, request);
    const content: readonly ListedFile[] = [...kept, ...wanted.map(({ path, size, sha256: digest }) => ({ path, size, sha256: digest }))];
    if (added === 0 && request.addFiles === undefined && before !== undefined && (await isWhole(dir, content, before, request))) return { files: before.files.length, bytes: totalBytes(before.files), added, kept: true };
    const files = await finish(dir, content, request);
    return { files: files.length, bytes: totalBytes(files), added, kept: false };
  } finally {
    await release();
  }
}

/** What is no list of ours any more is made anew from what is there. */
async function readList(dir: string, name: string): Promise<FileListing | undefined> {
  return readDarksite(dir, name).catch((e: unknown) => {
    if (e instanceof DarksiteError) return undefined;
    throw e;
  });
}

/** What other locks brought, without what is gone or spoilt. */
async function stillThere(dir: string, files: readonly ListedFile[], { report, signal }: MakeDarksiteRequest): Promise<readonly ListedFile[]> {
  if (files.length === 0) return [];
  const progress = makeProgress(report, "hashing what other locks brought", totalBytes(files));
  const there = await mapToEnd(files, AT_ONCE, (file, either) => isFile(join(dir, file.path), file, { onBytes: progress.add, signal: either }), signal);
  return files.filter((_, i) => there[i] === true);
}

/** Gives how many files were missing. */
async function fill(dir: string, wanted: readonly Content[], { cacheDir, sources = [], report, signal }: MakeDarksiteRequest): Promise<number> {
  report(`looking through ${wanted.length} files, ${describeBytes(totalBytes(wanted))}`);
  const hashing = makeProgress(report, "hashing what is there", totalBytes(wanted));
  const there = await mapToEnd(wanted, AT_ONCE, (file, either) => isFile(join(dir, file.path), file, { onBytes: hashing.add, signal: either }), signal);
  const missing = wanted.filter((_, i) => there[i] !== true);
  if (missing.length === 0) return 0;
  report(`bringing ${missing.length} files, ${describeBytes(totalBytes(missing))}`);
  const bringing = makeProgress(report, "bringing files", totalBytes(missing));
  await mapToEnd(missing, AT_ONCE, (content, either) => bring(content, sources, { dir, cacheDir, onBytes: bringing.add, signal: either }), signal);
  return missing.length;
}

async function bring(content: Content, sources: readonly string[], options: GetOptions): Promise<void> {
  for (const source of sources) if (await copyFrom(join(source, content.path), content, options)) return;
  await content.get(options);
}

/** Whether the list is of exactly this content, its indexes are what it says, and it is signed if it shall be. */
async function isWhole(dir: string, content: readonly ListedFile[], before: FileListing, { signing, lock }: MakeDarksiteRequest): Promise<boolean> {
  const digests = new Map(content.map((f) => [f.path, f.sha256]));
  const indexes = before.files.filter((f) => !digests.has(f.path));
  if (before.files.length !== content.length + indexes.length || before.files.some((f) => (digests.get(f.path) ?? f.sha256) !== f.sha256)) return false;
  for (const file of indexes) if (!(await isFile(join(dir, file.path), file))) return false;
  const own = [...APT_INDEXES, ...OCI_INDEXES, ...sbomPaths(await laidImages(dir))];
  if (indexes.length !== own.length || !indexes.every((f) => own.includes(f.path))) return false;
  if (!(await holdsImages(dir, lock.containers ?? []))) return false;
  return signing === undefined ? true : checkSignature(dir, before.bytes, signing.releaseKey).then(() => true, () => false);
}

/** Indexes, list and signature; while these are written there is no list, so nobody takes it for whole. */
async function finish(dir: string, content: readonly ListedFile[], { lock, signing, now, addFiles, report, signal }: MakeDarksiteRequest): Promise<readonly ListedFile[]> {
  report("writing the indexes");
  await rm(join(dir, DARKSITE.signature), { force: true });
  // What it says of other locks is still needed, should this be stopped.
  await mkdir(join(dir, DARKSITE.partial), { recursive: true });
  if (existsSync(join(dir, DARKSITE.list))) await rename(join(dir, DARKSITE.list), join(dir, DARKSITE.earlierList));
  await writeApt(dir, content.filter((f) => f.path.startsWith(DARKSITE.aptPool)), Math.floor(now.getTime() / 1000), signal);
  const paths = new Set(content.map((f) => f.path));
  await writeOci(dir, lock.containers ?? [], (path) => paths.has(path));
  const images = await laidImages(dir);
  await writeSboms(dir, images, report, signal);
  const others = [...APT_INDEXES, ...OCI_INDEXES, ...sbomPaths(images), ...((await addFiles?.(dir)) ?? [])];
  const files = [...content, ...(await mapToEnd(others, AT_ONCE, (path) => listFile(dir, path)))];
  const list = encodeFileList(files);
  // The signature first: a list without one is a darksite that was made without keys.
  if (signing !== undefined) await writeWhole(dir, DARKSITE.signature, await sign(signing, files, list));
  await writeWhole(dir, DARKSITE.list, list);
  await rm(join(dir, DARKSITE.partial), { recursive: true, force: true });
  return files;
}

async function listFile(dir: string, path: string): Promise<ListedFile> {
  const full = join(dir, path);
  return { path, size: (await stat(full)).size, sha256: (await hashFile(full)) ?? "" };
}

async function sign({ cluster, signer }: NonNullable<MakeDarksiteRequest["signing"]>, files: readonly ListedFile[], list: Uint8Array): Promise<Uint8Array> {
  const aptCertificate = files.find((f) => f.path === DARKSITE.aptCertificate)?.sha256 ?? "";
  const said: Darksite = { kind: "kubedos/darksite", version: 1, cluster, list: { sha256: toHex(sha256(list)), size: list.length }, files: files.length, bytes: totalBytes(files), aptCertificate };
  return encodeEnvelope(await signer.signDocument("darksite", canonicalJson(said)));
}
