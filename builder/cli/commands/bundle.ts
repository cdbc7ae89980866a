import type { Command } from "commander";
import { findRelease } from "../../bundle/find-release.ts";
import { makeBundle } from "../../bundle/make-bundle.ts";
import { describeBytes } from "../../fetch/progress.ts";
import { defaultCacheDir } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";

interface Options {
  readonly output: string;
  readonly release?: string;
  readonly darksite?: string;
  readonly cache: string;
  readonly json?: boolean;
}

/** `kubedos-build bundle`. */
export function addBundle(program: Command, io: CliIo): void {
  program
    .command("bundle")
    .summary("bring all that a release was built from into one folder")
    .description("Makes a recovery bundle: a darksite of the release's lock, its spec, roles, signatures and public files, and this program. kubedos-build rebuild makes the release from it again, bit for bit, without a network and without keys. No private key is in it.\nRun again it goes on where it was.")
    .argument("<out>", "what build wrote: its --out, a cluster's folder in it, or a release's folder")
    .requiredOption("-o, --output <dir>", "the bundle")
    .option("--release <id>", "which release, where there are several")
    .option("--darksite <dir>", "take files from there before any server is asked")
    .option("--cache <dir>", "packages that are here already aren't fetched", defaultCacheDir)
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build bundle out -o /media/usb/bundle\n  kubedos-build bundle out/demo --release 0123456789abcdef -o bundle --darksite /media/usb/site")
    .action(async (out: string, options: Options) => {
      const { report, signal } = io;
      const releaseDir = await findRelease(out, options.release);
      const sources = options.darksite === undefined ? [] : [options.darksite];
      const { release, ...result } = await makeBundle({ releaseDir, bundle: options.output, cacheDir: options.cache, sources, now: io.now(), report, signal });
      report(`${options.output} is whole: ${result.files} files, ${describeBytes(result.bytes)}`);
      io.out(options.json === true ? `${JSON.stringify({ ok: true, bundle: options.output, cluster: release.cluster, release: release.id, files: result.files, bytes: result.bytes })}\n` : `${options.output}\n`);
    });
}
