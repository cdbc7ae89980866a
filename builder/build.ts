import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Release } from "../proto/release/release.ts";
import { checkId } from "./bundle/check-id.ts";
import { keepRecords } from "./bundle/keep-records.ts";
import { lockDigest } from "./lock/lock.ts";
import { predictPcrs } from "./measure/predict.ts";
import { assembleImage, imageKey, type ImageInputs } from "./release/assemble-image.ts";
import { mapLimited } from "./release/map-limited.ts";
import { type PlanRequest, planRelease, type ReleasePlan, validate } from "./release/plan-release.ts";
import { pruneCache } from "./release/prune-cache.ts";
import { checkReleaseFiles, readRelease } from "./release/read-release.ts";
import { type MeasuredImage, sealRelease } from "./release/seal-release.ts";
import type { Signer } from "./sign/signer.ts";
import type { Toolchain } from "./toolchain/ensure-toolchain.ts";

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
 * ClusterSpec → release (DESIGN §4). The stages, in order: validate, plan (with what the lock says), then for each role assemble, sign and measure,
 * then seal. Throws BuildError, LockError, ToolError, PeError.
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
  if (existsSync(dir)) return { ...(await keep(dir, request)), lock };
  const measured = await mapLimited(images, PARALLEL_IMAGES, (image) => makeImage(tc, image, request));
  report("sealing the release");
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  const release = await sealRelease(tc, signer, { cluster, id, generation, epoch, images: measured, keysDir, dir, ...signal }, report);
  const programs = images.flatMap((image) => image.programs.map((p) => basename(dirname(p.compiled.path))));
  await pruneCache(cacheDir, [...programs, ...images.flatMap((image) => [`base-${image.base.key}`, `image-${imageKey(tc, image)}`])]);
  return { dir, release, kept: false, lock };
}

/** One role through assemble, sign and measure. The prediction sees the finished file and no machine. */
async function makeImage(tc: Toolchain, inputs: ImageInputs, request: BuildRequest): Promise<MeasuredImage> {
  const { report, keys, signer, cacheDir, signal } = request;
  const role = inputs.role.name;
  const assembled = await assembleImage(tc, inputs, cacheDir, report, signal);
  report(`${role}: signing the UKI`);
  const signedUki = await signer.signUki(await readFile(assembled.uki));
  report(`${role}: predicting its PCRs`);
  return { assembled, signedUki, pcrs: predictPcrs(signedUki, keys) };
}

/** The same inputs were built before: the files must still be what that release says, and they stay as they are. */
async function keep(dir: string, request: BuildRequest): Promise<Omit<BuildResult, "lock">> {
  request.report(`${dir} is this very release; comparing its files`);
  const release = await readRelease(dir, request.keys.releaseKey);
  await checkReleaseFiles(dir, release);
  return { dir, release, kept: true };
}
