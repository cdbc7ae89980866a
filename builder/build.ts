import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Release } from "../proto/release/release.ts";
import { checkId } from "./bundle/check-id.ts";
import { keepRecords } from "./bundle/keep-records.ts";
import { keepDisk } from "./disk/kept-disk.ts";
import { lockDigest } from "./lock/lock.ts";
import { predictPcrs } from "./measure/predict.ts";
import { type AssembledImage, assembleImage, imageKey, imageName, type ImageInputs } from "./release/assemble-image.ts";
import { appendIndex, healOut, type OutFolder, readWhole } from "./out/append-index.ts";
import { withOutLock } from "./out/lock-out.ts";
import { mapLimited } from "./release/map-limited.ts";
import { fileDigest } from "./release/read-release.ts";
import { type PlanRequest, planRelease, type ReleasePlan, validate } from "./release/plan-release.ts";
import { layerName } from "./rootfs/ensure-layer.ts";
import { pruneCache } from "./release/prune-cache.ts";
import { type MeasuredImage, sealRelease } from "./release/seal-release.ts";
import { keepBill } from "./sbom/keep-bill.ts";
import type { Signer } from "./sign/signer.ts";
import type { Toolchain } from "./toolchain/ensure-toolchain.ts";
import { addPcrSignatures } from "./uki/assemble.ts";

/** Each needs a core and some hundred MB of page cache. */
const PARALLEL_IMAGES = 2;

/** A build to be done. */
export interface BuildRequest extends PlanRequest {
  /** Key directory; its public files are copied into the release. */
  readonly keysDir: string;
  readonly signer: Signer;
  /** Parent of `<cluster>/<release id>`. */
  readonly outDir: string;
  /** The spec's file: with it the build keeps what a recovery bundle needs beside the release. */
  readonly specFile?: string;
  /** The release that must come out; undefined: whichever it is. */
  readonly expectedId?: string;
}

/** A finished build. */
export interface BuildResult {
  readonly dir: string;
  readonly release: Release;
  /** True: this very release was there already, and its files are what it says. */
  readonly kept: boolean;
  /** SHA-256 of the lock that it was made from, hex. */
  readonly lock: string;
}

/**
 * ClusterSpec → release (DESIGN §4). The stages, in order: validate, plan (with what the lock says), then for each role assemble, sign, measure
 * and look into it, then seal and note it in the index. Throws BuildError, LockError, SbomError, ToolError, PeError.
 */
export async function buildRelease(request: BuildRequest): Promise<BuildResult> {
  const used = validate(request);
  const plan = await planRelease(request, used);
  checkId(plan.id, request.expectedId);
  const dir = join(resolve(request.outDir), request.spec.metadata.name, plan.id);
  return keepRecords(request, dir, plan.tc.lock, (signer) => makeRelease({ ...request, signer }, plan, dir));
}

/** The stages after the plan. */
async function makeRelease(request: BuildRequest, plan: ReleasePlan, dir: string): Promise<BuildResult> {
  const { spec, cacheDir, keysDir, generation, epoch, signer, report } = request;
  const cluster = spec.metadata.name;
  const { tc, images, id } = plan;
  const lock = lockDigest(tc.lock);
  const out: OutFolder = { dir: dirname(dir), cluster, releaseKeys: request.keys.releaseKeys, signer };
  const locked = <T>(work: () => Promise<T>): Promise<T> => withOutLock(out.dir, report, work, request.signal);
  await locked(() => healOut(out));
  if (existsSync(dir)) return { ...(await keep(dir, request)), lock };
  // What takes longest begins first: images that are to be made, then those that are there.
  const isMade = (image: ImageInputs): number => Number(existsSync(join(cacheDir, imageName(imageKey(tc, image)))));
  const measured = await mapLimited([...images].sort((a, b) => isMade(a) - isMade(b)), PARALLEL_IMAGES, (image) => makeImage(tc, image, id, request));
  report("sealing the release");
  const result = await locked(async () => {
    await healOut(out);
    if (existsSync(dir)) return keep(dir, request);
    const release = await sealRelease(signer, { cluster, id, generation, epoch, images: measured, plan: { ...plan, lock: tc.lock }, keys: request.keys, keysDir, dir });
    await appendIndex(out, release);
    return { dir, release, kept: false };
  });
  const programs = images.flatMap((image) => image.programs.map((p) => basename(dirname(p.compiled.path))));
  await pruneCache(cacheDir, [...programs, ...images.flatMap((image) => [`base-${image.base.key}`, layerName(image.layer.key)]), ...measured.flatMap((image) => image.kept)]);
  return { ...result, lock };
}

/** An image that is ready to be sealed, and the names of what the cache holds of it. */
interface MadeImage extends MeasuredImage {
  readonly kept: readonly string[];
}

/**
 * One role through assemble, sign and measure. Prediction and SBOM see the finished files, the former no machine; the SBOM is made while the
 * disk is.
 */
export async function makeImage(tc: Toolchain, inputs: ImageInputs, release: string, request: Pick<BuildRequest, "report" | "keys" | "signer" | "cacheDir" | "signal">): Promise<MadeImage> {
  const { report, keys, cacheDir } = request;
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  const role = inputs.role.name;
  const assembled = await assembleImage(tc, inputs, cacheDir, report, request.signal);
  const { key, root, verity, rootHash } = assembled;
  const [signed, rootDigest] = await Promise.all([signImage(assembled, inputs, release, request), fileDigest(root)]);
  const { signedUki, volumePolicy } = signed;
  report(`${role}: predicting its PCRs`);
  const pcrs = predictPcrs(signedUki, keys);
  const [bill, disk] = await Promise.all([
    keepBill(tc, { inputs, root, rootDigest, rootHash, signedUki, cacheDir, report, ...signal }),
    keepDisk(tc, { role, imageKey: key, signedUki, root, rootDigest, verity, rootHash, volumePolicy, epoch: inputs.epoch, ...signal }, cacheDir, report),
  ]);
  return { assembled, signedUki, pcrs, sbom: bill, writeDisk: disk.copyTo, kept: [imageName(key), bill.name, disk.name] };
}

async function signImage({ uki, role }: AssembledImage, inputs: ImageInputs, release: string, { signer, report }: Pick<BuildRequest, "signer" | "report">): Promise<{ readonly signedUki: Uint8Array; readonly volumePolicy: Uint8Array | null }> {
  report(`${role}: signing the UKI`);
  const unsigned = new Uint8Array(await readFile(uki));
  const approved = addPcrSignatures(unsigned, await signer.signPolicy({ purpose: "phase", uki: unsigned, role }));
  const signedUki = await signer.signUki(approved, { role, release });
  const volumePolicy = inputs.role.volumes.length === 0 ? null : await signer.signPolicy({ purpose: "volumes", uki: signedUki, role });
  return { signedUki, volumePolicy };
}

/** The same inputs were built before: the files must still be what that release says, and they stay as they are. */
async function keep(dir: string, request: BuildRequest): Promise<Omit<BuildResult, "lock">> {
  request.report(`${dir} is this very release; comparing its files`);
  return { dir, release: await readWhole(dir, request.keys.releaseKeys), kept: true };
}
