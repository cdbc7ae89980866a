import type { Command } from "commander";
import { buildRelease } from "../../build.ts";
import { BuildError } from "../../error.ts";
import { openKeys } from "../../keys/open-keys.ts";
import { makeFileSigner } from "../../sign/signer.ts";
import { defaultCacheDir } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { addPassphraseOptions, type PassphraseOptions, readPassphrase } from "../passphrase.ts";
import { readSpec } from "./spec-validate.ts";

/** 2026-01-01T00:00:00Z: the time of every file, where SOURCE_DATE_EPOCH gives no other. */
const DEFAULT_EPOCH = 1_767_225_600;

interface Options extends PassphraseOptions {
  readonly keys: string;
  readonly out: string;
  readonly cache: string;
  readonly generation: string;
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
    .option("--out <dir>", "releases go to DIR/<cluster>/<release id>", "out")
    .option("--cache <dir>", "toolchain, base trees and images that need not be made again", defaultCacheDir)
    .option("--generation <n>", "the release's generation; a hub never goes back to a lower one", "1")
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build build examples/demo.yaml --keys keys\n  kubedos-build build examples/demo.yaml --keys keys --generation 2 --json");
  addPassphraseOptions(command).action(async (file: string, options: Options) => {
    const start = io.now().getTime();
    const spec = await readSpec(file);
    const keys = await openKeys(options.keys, await readPassphrase(options, io));
    const { report, signal } = io;
    const numbers = { generation: positive("--generation", options.generation), epoch: epochOf(io.env["SOURCE_DATE_EPOCH"]) };
    const result = await buildRelease({ spec, keysDir: options.keys, keys, signer: makeFileSigner(keys), outDir: options.out, cacheDir: options.cache, ...numbers, report, signal });
    const { release, dir, kept } = result;
    const seconds = (io.now().getTime() - start) / 1000;
    report(`release ${release.id} (generation ${release.generation}) of cluster ${release.cluster} ${kept ? "was there already and is whole" : "is made"}: ${dir}`);
    if (options.json === true) {
      const images = release.images.map(({ role, target, disk, uki, rootHash }) => ({ role, target, disk, uki, rootHash }));
      io.out(`${JSON.stringify({ ok: true, dir, id: release.id, cluster: release.cluster, generation: release.generation, kept, images, seconds })}\n`);
    } else io.out(`${dir}\n`);
  });
}

function epochOf(text: string | undefined): number {
  return text === undefined || text === "" ? DEFAULT_EPOCH : positive("SOURCE_DATE_EPOCH", text);
}

function positive(what: string, text: string): number {
  const value = Number(text);
  if (!/^\d{1,12}$/.test(text) || value < 1) throw new BuildError("USAGE", `${what} takes a positive whole number, not "${text}"`);
  return value;
}
