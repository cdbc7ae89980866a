import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { parseEnvelope } from "../../proto/dsse/dsse.ts";
import type { Release } from "../../proto/release/release.ts";
import { WireError } from "../../proto/wire/error.ts";
import { buildRelease, type BuildResult } from "../build.ts";
import { verifyDarksite } from "../darksite/verify-darksite.ts";
import { readPublicKeys } from "../keys/read-public-keys.ts";
import { readRelease } from "../release/read-release.ts";
import { RELEASE_FILES, ukiFile } from "../release/release-files.ts";
import type { Signer } from "../sign/signer.ts";
import { readRoles } from "../roles/read-roles.ts";
import { readSpecFile } from "../spec/read-spec.ts";
import type { Report } from "../toolchain/report.ts";
import { INDEX_FILE } from "../out/out-index.ts";
import { readInputs, rebuildFiles } from "./inputs.ts";
import { BUNDLE } from "./make-bundle.ts";
import { makeRecordedSigner, type SignedBefore } from "./recorded-signer.ts";
import { parseRecords } from "./signature-record.ts";

/** A release to be built again. */
export interface RebuildRequest {
  readonly bundle: string;
  readonly outDir: string;
  readonly cacheDir: string;
  /** Keys of the same cluster; undefined: the signatures of the build are used. */
  readonly signer?: Signer | undefined;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Builds the release of a bundle again, from the bundle alone: no mirror is asked and no key is needed. It comes out bit for bit as it
 * was, or not at all. Throws BundleError, DarksiteError, and what buildRelease throws.
 */
export async function rebuildRelease(request: RebuildRequest): Promise<BuildResult> {
  const { cacheDir, report, signal } = request;
  const bundle = resolve(request.bundle);
  await verifyDarksite({ dir: bundle, report, signal });
  const keysDir = join(bundle, BUNDLE.release, RELEASE_FILES.keys);
  const keys = await readPublicKeys(keysDir);
  const release = await readRelease(join(bundle, BUNDLE.release), keys.releaseKeys);
  const records = parseRecords(await readFile(join(bundle, BUNDLE.signatures)));
  const signer = request.signer ?? makeRecordedSigner(records, signedBefore(join(bundle, BUNDLE.release), release));
  const work = await mkdtemp(join(tmpdir(), "kubedos-rebuild-"));
  try {
    const { specFile, lock } = await readInputs(join(bundle, BUNDLE.inputs), work, signal);
    const { spec } = await readSpecFile(specFile);
    await lendRecords(bundle, join(resolve(request.outDir), release.cluster, release.id));
    return await buildRelease({
      spec,
      roles: await readRoles(specFile),
      specFile,
      lock,
      keys,
      keysDir,
      signer,
      generation: release.generation,
      epoch: release.epoch,
      outDir: request.outDir,
      cacheDir,
      darksite: { dir: bundle, strict: true },
      expectedId: release.id,
      report,
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What the first build left beside the release: signatures, and an index that says in which order releases came. A folder that has its own keeps it. */
async function lendRecords(bundle: string, releaseDir: string): Promise<void> {
  const { signatures } = rebuildFiles(releaseDir);
  const files: readonly (readonly [string, string])[] = [[BUNDLE.signatures, signatures], [BUNDLE.index, join(releaseDir, "..", INDEX_FILE)]];
  for (const [from, to] of files) {
    if (!existsSync(join(bundle, from)) || existsSync(to)) continue;
    await mkdir(join(to, ".."), { recursive: true });
    await copyFile(join(bundle, from), to);
  }
}

/** The release's own files, to say where something made anew differs. */
function signedBefore(dir: string, release: Release): SignedBefore {
  return async (what) => {
    if (what === "uki") return Promise.all(release.images.map((image) => readFile(join(dir, ukiFile(image.role)))));
    if (!what.startsWith("document ")) return [];
    const names = (await readdir(dir)).filter((name) => name.endsWith(".json"));
    const found = await Promise.all(names.map(async (name) => payloadOf(await readFile(join(dir, name)))));
    return found.filter((payload) => payload !== undefined);
  };
}

function payloadOf(data: Uint8Array): Uint8Array | undefined {
  try {
    return fromBase64(parseEnvelope(data).payload);
  } catch (cause) {
    if (cause instanceof WireError) return undefined;
    throw cause;
  }
}
