import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { KeyObject } from "node:crypto";
import { BuildError } from "../error.ts";
import { listReleases, openIndex } from "./append-index.ts";
import { fileDigest } from "../release/read-release.ts";
import { INDEX_FILE, type IndexEntry, type OutIndex } from "./out-index.ts";
import { RELEASE_FILES } from "../release/release-files.ts";
import { type VerifiedRelease, verifyRelease } from "./verify-release.ts";

/** What is wrong with an index. */
export interface IndexFinding {
  readonly code: IndexFindingCode;
  readonly what: string;
}

/** A chain that doesn't hold; a release that it doesn't know, one that it knows and that is gone, one that it knows as another. */
export type IndexFindingCode = "INDEX_BROKEN" | "RELEASE_UNKNOWN" | "RELEASE_GONE" | "RELEASE_REPLACED";

/** A release, or all of `out/<cluster>`, looked at. */
export interface VerifiedOut {
  readonly releases: readonly VerifiedRelease[];
  /** Undefined for a release's folder that stands alone. */
  readonly index?: { readonly entries: number; readonly head: string | null; readonly findings: readonly IndexFinding[] };
}

/** A folder to be verified: one release, or those of a cluster. */
export interface Place {
  readonly kind: "release" | "cluster";
  readonly dir: string;
}

/** What a path leads to: a release's folder, a cluster's, or the one above with one cluster in it (or `cluster`). Throws BuildError `NO_RELEASE`. */
export async function findPlace(path: string, cluster?: string): Promise<Place> {
  const dir = resolve(path);
  if (existsSync(join(dir, RELEASE_FILES.release))) return { kind: "release", dir };
  if (existsSync(join(dir, INDEX_FILE)) || (await isCluster(dir))) return { kind: "cluster", dir };
  const below = await readdir(dir, { withFileTypes: true });
  const clusters: string[] = [];
  for (const entry of below) if (entry.isDirectory() && (await isCluster(join(dir, entry.name)))) clusters.push(entry.name);
  const [only] = clusters.filter((name) => cluster === undefined || name === cluster);
  if (only === undefined) throw new BuildError("NO_RELEASE", `${path} holds no release${cluster === undefined ? "" : ` of cluster "${cluster}"`}`, "name a release's folder, OUT/<cluster>/<release id>, or the OUT of kubedos-build build");
  if (cluster === undefined && clusters.length > 1) throw new BuildError("USAGE", `${path} holds the clusters ${clusters.sort().join(", ")}`, `name one of them: ${join(path, only)}`);
  return { kind: "cluster", dir: join(dir, only) };
}

async function isCluster(dir: string): Promise<boolean> {
  return (await listReleases(dir)).length > 0 || existsSync(join(dir, INDEX_FILE));
}

/** Holds what is there against the release keys; with the index where there is one. Gives what is wrong; throws only file systems' errors. */
export async function verifyOut(place: Place, releaseKeys: readonly KeyObject[], report: (line: string) => void): Promise<VerifiedOut> {
  const ids = place.kind === "release" ? [basename(place.dir)] : await listReleases(place.dir);
  const parent = place.kind === "release" ? dirname(place.dir) : place.dir;
  const releases: VerifiedRelease[] = [];
  for (const id of ids) {
    report(`comparing the files of ${join(parent, id)}`);
    releases.push(await verifyRelease(join(parent, id), releaseKeys));
  }
  if (place.kind === "release" && !existsSync(join(parent, INDEX_FILE))) return { releases };
  const findings: IndexFinding[] = [];
  const index = await openIndex({ dir: parent, cluster: releases[0]?.release?.cluster ?? basename(parent), releaseKeys }).catch((e: unknown): undefined => {
    if (!(e instanceof BuildError)) throw e;
    findings.push({ code: "INDEX_BROKEN", what: e.message });
  });
  if (index !== undefined) await compareIndex(index, parent, ids, place.kind, findings);
  return { releases, index: { entries: index?.entries.length ?? 0, head: index?.head ?? null, findings } };
}

async function compareIndex(index: OutIndex, dir: string, ids: readonly string[], kind: Place["kind"], findings: IndexFinding[]): Promise<void> {
  for (const id of ids) {
    const finding = await findEntry(index, id, join(dir, id));
    if (finding !== undefined) findings.push(finding);
  }
  if (kind === "release") return;
  for (const { id, serial } of index.entries) if (!ids.includes(id)) findings.push({ code: "RELEASE_GONE", what: `release ${id} of entry ${serial} is gone` });
}

/** Whether an index names the release in this folder: undefined, or what is wrong. */
export async function findEntry(index: OutIndex, id: string, dir: string): Promise<IndexFinding | undefined> {
  const entry = index.entries.find((e) => e.id === id);
  if (entry === undefined) return { code: "RELEASE_UNKNOWN", what: `release ${id} has no entry; the next build notes it, if it was stopped before it could` };
  return (await isSame(entry, dir)) ? undefined : { code: "RELEASE_REPLACED", what: `release ${id} is not the one that entry ${entry.serial} names` };
}

async function isSame(entry: IndexEntry, dir: string): Promise<boolean> {
  const digest = (name: string) => fileDigest(join(dir, name)).catch(() => "");
  return (await digest(RELEASE_FILES.release)) === entry.release && (await digest(RELEASE_FILES.sums)) === entry.sums;
}

/** The folder of one release: the one that was named, or the newest of a cluster. Throws BuildError `NO_RELEASE`. */
export async function findReleaseFolder(path: string): Promise<string> {
  const { kind, dir } = await findPlace(path);
  if (kind === "release") return dir;
  // Unverified: it only picks what is shown.
  const lines = (await readFile(join(dir, INDEX_FILE), "utf8").catch(() => "")).trim().split("\n");
  const known = await listReleases(dir);
  const newest = lines.map(idOf).findLast((id) => known.includes(id)) ?? known.at(-1);
  if (newest === undefined) throw new BuildError("NO_RELEASE", `${path} holds no release`, "kubedos-build build");
  return join(dir, newest);
}

function idOf(line: string): string {
  try {
    const { payload } = JSON.parse(line) as { readonly payload: string };
    return String((JSON.parse(Buffer.from(payload, "base64").toString()) as { readonly id?: unknown }).id);
  } catch {
    return "";
  }
}
