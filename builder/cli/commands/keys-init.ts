import type { Command } from "commander";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { BuildError } from "../../error.ts";
import { initKeys } from "../../keys/init-keys.ts";
import type { CliIo } from "../cli-io.ts";
import { addPassphraseOptions, type PassphraseOptions, readPassphrase } from "../passphrase.ts";

interface Options extends PassphraseOptions {
  readonly dir: string;
  readonly cluster: string;
  readonly json?: boolean;
}

/** `kubedos-build keys init`. */
export function addKeysInit(keys: Command, io: CliIo): void {
  const command = keys
    .command("init")
    .summary("make a cluster's keys")
    .description("Makes PK, KEK and db for Secure Boot, the release-signing key, the root CA and the operators' issuer.\nPrivate keys are encrypted under one passphrase; nothing is ever overwritten.")
    .requiredOption("--dir <dir>", "folder to make; must not hold anything")
    .requiredOption("--cluster <name>", "the cluster's name, a DNS label")
    .option("--json", "print keys.json on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build keys init --dir keys --cluster demo\n  kubedos-build keys init --dir keys --cluster demo --passphrase-fd 3 3<secret");
  addPassphraseOptions(command).action(async (options: Options) => {
    if (!dnsLabel.safeParse(options.cluster).success) throw new BuildError("USAGE", `"${options.cluster}" is no lower-case DNS label`);
    const passphrase = await readPassphrase(options, io, true);
    const manifest = await initKeys({ dir: options.dir, cluster: options.cluster, passphrase, now: io.now() });
    io.report(`keys of cluster ${options.cluster} are in ${options.dir}; keep a copy elsewhere`);
    if (options.json === true) io.out(`${JSON.stringify({ ok: true, dir: options.dir, keys: manifest })}\n`);
  });
}
