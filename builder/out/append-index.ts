import type { KeyObject } from "node:crypto";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { encodeEnvelope } from "../../proto/dsse/dsse.ts";
import type { Release } from "../../proto/release/release.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { BuildError } from "../error.ts";
import type { Signer } from "../sign/signer.ts";
import { INDEX_FILE, nextEntry, type OutIndex, readIndex } from "./out-index.ts";
import { fileDigest } from "../release/read-release.ts";
import { RELEASE_FILES } from "../release/release-files.ts";
import { verifyRelease } from "./verify-release.ts";

/** `out/<cluster>`, held by withOutLock, and who signs there. */
export interface OutFolder {
  readonly dir: string;
  readonly cluster: string;
  /** Whose signatures count. */
  readonly releaseKeys: readonly KeyObject[];
  readonly signer: Signer;
}

const MAKING = /^\.making-[0-9a-f]{16}-/;

/** The index of a folder; empty where there is none. Throws BuildError `INDEX_BROKEN`. */
export async function openIndex({ dir, cluster, releaseKeys }: Pick<OutFolder, "dir" | "cluster" | "releaseKeys">): Promise<OutIndex> {
  return readIndex(await readFile(join(dir, INDEX_FILE)).catch(absent), cluster, releaseKeys);
}

/** The names of the release folders under `out/<cluster>`. */
export async function listReleases(dir: string): Promise<readonly string[]> {
  return (await readdir(dir)).filter((name) => /^[0-9a-f]{16}$/.test(name)).sort();
}

/**
 * Makes a folder fit to be written to: what builds that were killed left half-made goes, and the one release that such a build can have finished without
 * noting it is noted. More than one means that somebody shortened the index. Throws BuildError `INDEX_BROKEN`, `INDEX_SHORT` or `RELEASE_DIFFERS`.
 */
export async function healOut(out: OutFolder): Promise<void> {
  // A tool of a killed build may outlive it by some milliseconds, hence the retries.
  for (const name of await readdir(out.dir)) {
    if (MAKING.test(name) || name === `${INDEX_FILE}.new`) await rm(join(out.dir, name), { recursive: true, force: true, maxRetries: 5 });
  }
  const index = await openIndex(out);
  const unknown = (await listReleases(out.dir)).filter((id) => !index.entries.some((e) => e.id === id));
  const [id] = unknown;
  if (id === undefined) return;
  if (unknown.length > 1) {
    throw new BuildError("INDEX_SHORT", `${join(out.dir, INDEX_FILE)} doesn't know ${unknown.length} of the releases beside it (${unknown.slice(0, 3).join(", ")}): a build leaves at most one`, `bring the index back from a copy, or move ${out.dir} away and build again`);
  }
  await appendIndex(out, await readWhole(join(out.dir, id), out.releaseKeys), index);
}

/** A release whose folder is in every respect what it was when it was sealed. Throws BuildError `RELEASE_DIFFERS` with the first thing that isn't. */
export async function readWhole(dir: string, releaseKeys: readonly KeyObject[]): Promise<Release> {
  const { release, findings } = await verifyRelease(dir, releaseKeys);
  const [first] = findings;
  if (first !== undefined || release === undefined) throw new BuildError("RELEASE_DIFFERS", `${join(dir, first?.file ?? RELEASE_FILES.release)} ${first?.what ?? "is not there"}`, `move ${dir} away and build again`);
  return release;
}

/** Notes a release that has its name already; one that is noted stays as it is. Throws BuildError, or a file system's error. */
export async function appendIndex(out: OutFolder, release: Release, known?: OutIndex): Promise<void> {
  const index = known ?? (await openIndex(out));
  if (index.entries.some((e) => e.id === release.id)) return;
  const folder = join(out.dir, release.id);
  const digest = (name: string) => fileDigest(join(folder, name));
  const facts = { cluster: out.cluster, id: release.id, generation: release.generation, release: await digest(RELEASE_FILES.release), sums: await digest(RELEASE_FILES.sums) };
  const envelope = await out.signer.signDocument("index", canonicalJson(nextEntry(index, facts)));
  const old = await readFile(join(out.dir, INDEX_FILE)).catch(absent);
  await replaceFile(out.dir, INDEX_FILE, concatBytes(old, encodeEnvelope(envelope), utf8("\n")));
}

/** The old one or the new one, whatever happens. */
async function replaceFile(dir: string, name: string, data: Uint8Array): Promise<void> {
  const temp = join(dir, `${name}.new`);
  const file = await open(temp, "w");
  try {
    await file.writeFile(data);
    await file.chmod(0o644);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temp, join(dir, name));
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function absent(cause: NodeJS.ErrnoException): Uint8Array {
  if (cause.code === "ENOENT") return new Uint8Array();
  throw cause;
}
