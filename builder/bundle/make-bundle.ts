import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Release } from "../../proto/release/release.ts";
import { makeDarksite, type MakeDarksiteResult } from "../darksite/make-darksite.ts";
import { DARKSITE } from "../darksite/paths.ts";
import { settle } from "../darksite/write-whole.ts";
import { readPublicKeys } from "../keys/read-public-keys.ts";
import { readRelease } from "../release/read-release.ts";
import { RELEASE_FILES } from "../release/release-files.ts";
import type { Report } from "../toolchain/report.ts";
import { BundleError } from "./error.ts";
import { INDEX_FILE } from "../out/out-index.ts";
import { readInputs, rebuildFiles } from "./inputs.ts";
import { packBuilder } from "./pack-builder.ts";

/** Names in a bundle, beside those of a darksite. */
export const BUNDLE = { release: "release", inputs: "rebuild/inputs.tar", signatures: "rebuild/signatures.jsonl", index: "rebuild/index.jsonl", builder: "rebuild/builder.tar" } as const;

/** A bundle to be made. */
export interface MakeBundleRequest {
  /** The release's folder. */
  readonly releaseDir: string;
  readonly bundle: string;
  readonly cacheDir: string;
  /** Darksites to take files from before any server is asked. */
  readonly sources: readonly string[];
  readonly now: Date;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the folder from which a release is built again without a network: a darksite of its lock, and with it spec, roles, signatures,
 * this program, and what the release says of itself. Throws BundleError, and what makeDarksite throws.
 */
export async function makeBundle(request: MakeBundleRequest): Promise<MakeDarksiteResult & { readonly release: Release }> {
  const { releaseDir, report, signal } = request;
  const release = await readRelease(releaseDir, (await readPublicKeys(join(releaseDir, RELEASE_FILES.keys))).releaseKeys);
  const { inputs, signatures } = rebuildFiles(releaseDir);
  const missing = [inputs, signatures].find((file) => !existsSync(file));
  if (missing !== undefined) throw new BundleError("NOT_REBUILDABLE", `${missing} is not there, so nobody knows what release ${release.id} was built from`, "build it again with the same spec, lock and keys into another --out");
  const work = await mkdtemp(join(tmpdir(), "kubedos-bundle-"));
  try {
    const { lock } = await readInputs(inputs, work, signal);
    const result = await makeDarksite({ ...request, dir: request.bundle, lock, addFiles: (dir) => addFiles(dir, release, request) });
    report(`release ${release.id} of cluster ${release.cluster}: ${release.images.length} image${release.images.length === 1 ? "" : "s"}`);
    return { ...result, release };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function addFiles(dir: string, release: Release, { releaseDir, report, signal }: MakeBundleRequest): Promise<readonly string[]> {
  const { inputs, signatures } = rebuildFiles(releaseDir);
  const index = join(dirname(releaseDir), INDEX_FILE);
  // Disks are what will be made again; everything else of a release is small, public, and tells whether it came out the same.
  const disks = new Set(release.images.map((image) => image.disk.file));
  const kept = (await filesUnder(releaseDir)).filter((path) => !disks.has(path));
  const copies: readonly (readonly [string, string])[] = [
    ...kept.map((path) => [join(releaseDir, path), `${BUNDLE.release}/${path}`] as const),
    [inputs, BUNDLE.inputs],
    [signatures, BUNDLE.signatures],
    ...(existsSync(index) ? [[index, BUNDLE.index] as const] : []),
  ];
  const part = join(dir, DARKSITE.partial, "copy");
  await mkdir(dirname(part), { recursive: true });
  for (const [from, path] of copies) {
    await copyFile(from, part);
    await settle(part, join(dir, path));
  }
  report("packing this program");
  await packBuilder(part, signal);
  await settle(part, join(dir, BUNDLE.builder));
  return [...copies.map(([, path]) => path), BUNDLE.builder];
}

async function filesUnder(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => relative(dir, join(e.parentPath, e.name))).sort();
}
