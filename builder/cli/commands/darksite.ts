import type { Command } from "commander";
import { type DarksiteSigning, makeDarksite } from "../../darksite/make-darksite.ts";
import { verifyDarksite } from "../../darksite/verify-darksite.ts";
import { BuildError } from "../../error.ts";
import { describeBytes } from "../../fetch/progress.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { checkExtrasFit } from "../../lock/resolve-extras.ts";
import { gatherWants } from "../../lock/wants.ts";
import { checkLockFits, wantedSets } from "../../lock/wanted.ts";
import { usedRoles } from "../../release/plan-release.ts";
import { readRoles } from "../../roles/read-roles.ts";
import { withSigner } from "../../sign/process/with-signer.ts";
import { defaultCacheDir } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { type KeyOptions, readKeyAccess } from "../key-access.ts";
import { addPassphraseOptions, type PassphraseOptions } from "../passphrase.ts";
import { readLock } from "./build.ts";
import { readSpec } from "./spec-validate.ts";

interface Options extends PassphraseOptions {
  readonly lock?: string;
  readonly output?: string;
  readonly keys?: string;
  readonly cache: string;
  readonly json?: boolean;
}

/** `kubedos-build darksite` and `kubedos-build darksite verify`. */
export function addDarksite(program: Command, io: CliIo): void {
  const darksite = program.command("darksite").summary("bring everything that a build needs into a folder");
  darksite
    .description("Fills a folder with everything that a lock names: a signed APT repository, one OCI layout of the container images, Python wheels, plain files; each one hashed, all of them listed, the list signed. A build takes what it needs from there without asking any mirror.\nRun again it hashes what is there, goes on with what is half there and brings what is missing; what other locks brought stays.")
    .argument("<spec>", "the ClusterSpec (YAML)")
    .option("--lock <file>", "what to bring; must be given")
    .option("-o, --output <dir>", "the darksite, which may be there already; must be given")
    .option("--keys <dir>", "the cluster's key directory: the release key signs the list of files")
    .option("--cache <dir>", "packages that are here already aren't fetched", defaultCacheDir)
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build darksite cluster.yaml --lock lock.json -o /media/usb/site --keys keys\n  kubedos-build darksite verify /media/usb/site --keys keys");
  addPassphraseOptions(darksite).action((file: string, options: Options) => make(file, options, io));
  darksite
    .command("verify")
    .summary("hash every file of a darksite and check its signatures")
    .description("Hashes every file of a darksite and compares it with the signed list, looks for files that aren't on it, and checks the APT repository's signature. Exit code 8 says what differs.")
    .argument("<dir>", "the darksite")
    .option("--keys <dir>", "who must have signed it: the key directory, or a release's folder keys; only public files are read")
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExample:\n  kubedos-build darksite verify /media/usb/site --keys keys")
    .action((dir: string, _: unknown, command: Command) => verify(dir, command.optsWithGlobals<{ readonly keys?: string; readonly json?: boolean }>(), io));
}

async function make(file: string, options: Options, io: CliIo): Promise<void> {
  const { report, signal } = io;
  // Commander would ask `darksite verify` for them too.
  if (options.lock === undefined || options.output === undefined) throw new BuildError("USAGE", "a darksite needs --lock LOCK and -o DIR", `kubedos-build lock ${file} -o LOCK makes a lock`);
  const lock = await readLock(options.lock);
  const spec = await readSpec(file, report);
  const roles = usedRoles(spec, await readRoles(file));
  const next = `kubedos-build lock ${file} -o ${options.lock} --update`;
  checkLockFits(lock, wantedSets(roles), next);
  checkExtrasFit(lock, await gatherWants(file, roles, spec.workloads.images), next);
  const request = { lock, dir: options.output, cacheDir: options.cache, now: io.now(), report, signal };
  const { keys: keysDir, cache } = options;
  if (keysDir === undefined) report("no --keys: nobody will vouch for this darksite, and only a lock's digests make its files safe to use");
  const result = await (keysDir === undefined ? makeDarksite({ ...request, signing: undefined }) : signWith({ ...options, keys: keysDir, cache }, (signing) => makeDarksite({ ...request, signing })));
  report(`${options.output} ${result.kept ? "was whole already" : "is whole"}: ${result.files} files, ${describeBytes(result.bytes)}, ${result.added} of them new`);
  io.out(options.json === true ? `${JSON.stringify({ ok: true, dir: options.output, signed: keysDir !== undefined, ...result })}\n` : `${options.output}\n`);

  /** A signer for the list of files alone, as long as it is needed. */
  async function signWith<T>(access: KeyOptions, work: (signing: DarksiteSigning) => Promise<T>): Promise<T> {
    const { cluster, releaseKey } = await readPublicKeys(access.keys);
    return await withSigner({ ...(await readKeyAccess(access, io, lock)), purposes: ["darksite"] }, (signer) => work({ cluster, releaseKey, signer }));
  }
}

async function verify(dir: string, options: { readonly keys?: string; readonly json?: boolean }, io: CliIo): Promise<void> {
  const { report, signal } = io;
  const releaseKey = options.keys === undefined ? undefined : (await readPublicKeys(options.keys)).releaseKey;
  const { files, bytes, signed } = await verifyDarksite({ dir, releaseKey, report, signal });
  report(`${dir} is whole: ${files} files, ${describeBytes(bytes)}, ${signed === undefined ? "but without --keys nobody vouches for it" : `signed for cluster ${signed.cluster}`}`);
  if (options.json === true) io.out(`${JSON.stringify({ ok: true, dir, files, bytes, cluster: signed?.cluster ?? null })}\n`);
}
