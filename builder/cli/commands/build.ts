import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { buildRelease } from "../../build.ts";
import type { DarksiteSource } from "../../darksite/fill-cache.ts";
import { BuildError } from "../../error.ts";
import { cacheLockFile } from "../../lock/cache-lock.ts";
import { LockError } from "../../lock/error.ts";
import { type Lock, parseLock } from "../../lock/lock.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { readRoles } from "../../roles/read-roles.ts";
import { withSigner } from "../../sign/process/with-signer.ts";
import { defaultCacheDir } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { type KeyOptions, readKeyAccess } from "../key-access.ts";
import { addPassphraseOptions } from "../passphrase.ts";
import { readSpec } from "./spec-validate.ts";

/** 2026-01-01T00:00:00Z: the time of every file, where SOURCE_DATE_EPOCH gives no other. */
const DEFAULT_EPOCH = 1_767_225_600;

/** Where packages come from (docs/darksite.md). */
const MODES = ["connected", "darksite", "both"];

interface Options extends KeyOptions {
  readonly lock?: string;
  readonly out: string;
  readonly generation: string;
  readonly mode?: string;
  readonly darksite?: string;
  readonly json?: boolean;
}

/** `kubedos-build build`. */
export function addBuild(program: Command, io: CliIo): void {
  const command = program
    .command("build")
    .summary("make a release: signed images and what their TPMs must say")
    .description("Makes one image for each role of a ClusterSpec and a signed release.json with the expected PCR values.\nThe same inputs give the same release, to the bit; one that exists already is compared and kept.")
    .argument("<spec>", "the ClusterSpec (YAML)")
    .requiredOption("--keys <dir>", "the cluster's key directory")
    .option("--lock <file>", "take exactly the packages of this file; without it, those of the cache's own lock")
    .option("--out <dir>", "releases go to DIR/<cluster>/<release id>", "out")
    .option("--cache <dir>", "toolchain, base trees and images that need not be made again", (dir: string) => resolve(dir), defaultCacheDir)
    .addOption(new Option("--mode <mode>", "where packages that the cache lacks come from: mirrors; a darksite alone; a darksite, then mirrors (default: connected, with --darksite: darksite)").choices(MODES))
    .option("--darksite <dir>", "a folder that kubedos-build darksite made")
    .option("--generation <n>", "the release's generation; a hub never goes back to a lower one", "1")
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build build examples/demo.yaml --lock lock.json --keys keys --out out\n  kubedos-build build examples/demo.yaml --lock lock.json --keys keys --generation 2 --json\n  kubedos-build build examples/demo.yaml --lock lock.json --keys keys --mode darksite --darksite /media/usb/site");
  addPassphraseOptions(command).action(async (file: string, options: Options) => {
    const start = io.now().getTime();
    const darksite = chooseDarksite(options);
    const spec = await readSpec(file, io.report);
    const roles = await readRoles(file);
    const keys = await readPublicKeys(options.keys);
    const { report, signal } = io;
    const numbers = { generation: positive("--generation", options.generation), epoch: epochOf(io.env["SOURCE_DATE_EPOCH"]) };
    const lock: { readonly lock?: Lock } = options.lock === undefined ? {} : { lock: await readLock(options.lock) };
    if (options.lock === undefined) report(`no --lock: taking the packages of ${cacheLockFile(options.cache)}`);
    const request = { spec, specFile: file, roles, ...lock, darksite, keysDir: options.keys, keys, outDir: options.out, cacheDir: options.cache, ...numbers, report, signal };
    const access = await readKeyAccess(options, io, lock.lock);
    const result = await withSigner({ ...access, purposes: ["uki", "policy", "release", "provenance", "index", "file"] }, (signer) => buildRelease({ ...request, signer })).catch((e: unknown) => nameNext(e, file, options));
    const { release, dir, kept } = result;
    const seconds = (io.now().getTime() - start) / 1000;
    report(`release ${release.id} (generation ${release.generation}) of cluster ${release.cluster} ${kept ? "was there already and is whole" : "is made"}: ${dir}`);
    if (options.json === true) {
      const images = release.images.map(({ role, target, disk, uki, rootHash, missing = [] }) => ({ role, target, disk, uki, rootHash, missing }));
      io.out(`${JSON.stringify({ ok: true, dir, id: release.id, cluster: release.cluster, generation: release.generation, lock: result.lock, kept, images, seconds })}\n`);
    } else io.out(`${dir}\n`);
  });
}

/** Which darksite to use; undefined: none. Throws BuildError `USAGE`. */
function chooseDarksite({ mode, darksite: dir, lock }: Options): DarksiteSource | undefined {
  const chosen = mode ?? (dir === undefined ? "connected" : "darksite");
  if (chosen === "connected" && dir !== undefined) throw new BuildError("USAGE", "--mode connected takes packages from mirrors alone", "leave out --darksite, or say --mode both");
  if (chosen === "connected") return undefined;
  if (dir === undefined) throw new BuildError("USAGE", `--mode ${chosen} takes packages from a darksite`, "add --darksite DIR; kubedos-build darksite makes one");
  // Without a lock one may have to be made, from mirrors.
  if (lock === undefined) throw new BuildError("USAGE", "a build from a darksite follows a lock", "add --lock LOCK, the one that the darksite was made from");
  return { dir, strict: chosen === "darksite" };
}

/** Reads a lock file. Throws LockError `BAD_LOCK`, or the file system's error. */
export async function readLock(file: string): Promise<Lock> {
  return parseLock(await readFile(file), file);
}

/** An error that ends with SPEC and LOCK, with the names of these. The cache's own lock needs no command: it is made anew when it is gone. */
function nameNext(e: unknown, spec: string, options: Options): never {
  if (!(e instanceof LockError)) throw e;
  const command = "kubedos-build lock SPEC -o LOCK --update";
  const named = options.lock === undefined ? `delete ${cacheLockFile(options.cache)} and run the command again` : command.replace("SPEC", spec).replace("LOCK", options.lock);
  throw new LockError(e.code, e.message, e.next.replace(command, named), { cause: e });
}

function epochOf(text: string | undefined): number {
  return text === undefined || text === "" ? DEFAULT_EPOCH : positive("SOURCE_DATE_EPOCH", text);
}

function positive(what: string, text: string): number {
  const value = Number(text);
  if (!/^\d{1,12}$/.test(text) || value < 1) throw new BuildError("USAGE", `${what} takes a positive whole number, not "${text}"`);
  return value;
}
