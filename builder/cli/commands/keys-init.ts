import type { Command } from "commander";
import { resolve } from "node:path";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { BuildError } from "../../error.ts";
import { initKeys } from "../../keys/init-keys.ts";
import type { TokenAccess } from "../../keys/token/run-openssl.ts";
import { tokenAddressSchema } from "../../keys/token/token-settings.ts";
import { defaultCacheDir, ensureToolchain } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { addPassphraseOptions, type PassphraseOptions, readPassphrase } from "../passphrase.ts";

interface Options extends PassphraseOptions {
  readonly dir: string;
  readonly cluster: string;
  readonly cache: string;
  readonly pkcs11?: string;
  readonly token?: string;
  readonly pkcs11Bind?: readonly string[];
  readonly pkcs11Env?: readonly string[];
  readonly json?: boolean;
}

/** `kubedos-build keys init`. */
export function addKeysInit(keys: Command, io: CliIo): void {
  const command = keys
    .command("init")
    .summary("make a cluster's keys")
    .description(
      "Makes PK, KEK and db for Secure Boot, the release-signing key, the root CA and the operators' issuer.\n" +
        "Private keys are encrypted under one passphrase, or made in a PKCS#11 token and never leave it; nothing is ever overwritten.",
    )
    .requiredOption("--dir <dir>", "folder to make; must not hold anything")
    .requiredOption("--cluster <name>", "the cluster's name, a DNS label")
    .option("--pkcs11 <module>", "make the private keys in a token, reached by this module")
    .option("--token <label>", "the token's label")
    .option("--pkcs11-bind <path...>", "folders, files and sockets that the module needs; it sees nothing else of this host")
    .option("--pkcs11-env <name=value...>", "environment variables that the module reads")
    .option("--cache <dir>", "where the toolchain is, for a token", defaultCacheDir)
    .option("--json", "print keys.json on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  kubedos-build keys init --dir keys --cluster demo\n  kubedos-build keys init --dir keys --cluster demo --passphrase-fd 3 3<secret\n" +
        "  kubedos-build keys init --dir keys --cluster demo --pkcs11 /opt/hsm/lib/pkcs11.so --pkcs11-bind /opt/hsm --token prod",
    );
  addPassphraseOptions(command).action(async (options: Options) => {
    if (!dnsLabel.safeParse(options.cluster).success) throw new BuildError("USAGE", `"${options.cluster}" is no lower-case DNS label`);
    const { dir, cluster } = options;
    const address = addressOf(options);
    const passphrase = address === null ? await readPassphrase(options, io, { confirm: true }) : await readPassphrase(options, io, { prompt: "PIN of the token: " });
    const token: { readonly token?: TokenAccess } = address === null ? {} : { token: { address, pin: passphrase, tools: await ensureToolchain(options.cache, io.report, io.signal) } };
    const manifest = await initKeys({ dir, cluster, passphrase, now: io.now(), ...token });
    io.report(`keys of cluster ${cluster} are in ${address === null ? dir : `token ${address.token}, and what belongs to them in ${dir}`}; keep a copy elsewhere`);
    if (options.json === true) io.out(`${JSON.stringify({ ok: true, dir, keys: manifest })}\n`);
  });
}

function addressOf({ pkcs11, token, pkcs11Bind = [], pkcs11Env = [] }: Options): TokenAccess["address"] | null {
  if (pkcs11 === undefined && token === undefined && pkcs11Bind.length === 0 && pkcs11Env.length === 0) return null;
  if (pkcs11 === undefined || token === undefined) throw new BuildError("USAGE", "keys in a token take --pkcs11 MODULE and --token LABEL");
  const env = Object.fromEntries(pkcs11Env.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]));
  const parsed = tokenAddressSchema.safeParse({ module: pkcs11, token, binds: pkcs11Bind.map((path) => resolve(path)), env });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new BuildError("USAGE", `${issue?.path.join(".") ?? "the token's address"}: ${issue?.message ?? "invalid"}`);
}
