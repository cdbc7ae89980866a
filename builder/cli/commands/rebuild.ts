import type { Command } from "commander";
import { rebuildRelease } from "../../bundle/rebuild.ts";
import { withSigner } from "../../sign/process/with-signer.ts";
import { defaultCacheDir } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { readKeyAccess } from "../key-access.ts";
import { addPassphraseOptions, type PassphraseOptions } from "../passphrase.ts";

interface Options extends PassphraseOptions {
  readonly out: string;
  readonly keys?: string;
  readonly cache: string;
  readonly json?: boolean;
}

/** `kubedos-build rebuild`. */
export function addRebuild(program: Command, io: CliIo): void {
  const command = program
    .command("rebuild")
    .summary("build a release again from its recovery bundle alone")
    .description("Checks every file of a bundle, builds its release from nothing else, and leaves the same bytes as the build did. Nobody is asked over a network. Without --keys the signatures of the build are put back, each only onto the very bytes that were signed; what comes out differently is refused and named.")
    .argument("<bundle>", "a folder that kubedos-build bundle made")
    .requiredOption("--out <dir>", "the release goes to DIR/<cluster>/<release id>")
    .option("--keys <dir>", "sign anew with these keys of the same cluster")
    .option("--cache <dir>", "toolchain, base trees and images that need not be made again", defaultCacheDir)
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExample:\n  kubedos-build rebuild /media/usb/bundle --out out");
  addPassphraseOptions(command).action(async (bundle: string, options: Options) => {
    const start = io.now().getTime();
    const { report, signal } = io;
    const request = { bundle, outDir: options.out, cacheDir: options.cache, report, signal };
    const { keys, cache } = options;
    const purposes = ["uki", "policy", "release", "provenance", "index", "file"] as const;
    const built = keys === undefined ? await rebuildRelease(request) : await withSigner({ ...(await readKeyAccess({ ...options, keys, cache }, io)), purposes: [...purposes] }, (signer) => rebuildRelease({ ...request, signer }));
    const { release, dir, kept, lock } = built;
    const seconds = (io.now().getTime() - start) / 1000;
    report(`release ${release.id} (generation ${release.generation}) of cluster ${release.cluster} ${kept ? "was there already and is whole" : "is made again, bit for bit"}: ${dir}`);
    io.out(options.json === true ? `${JSON.stringify({ ok: true, dir, id: release.id, cluster: release.cluster, generation: release.generation, lock, kept, seconds })}\n` : `${dir}\n`);
  });
}
