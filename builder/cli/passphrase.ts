import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { BuildError } from "../error.ts";
import type { CliIo } from "./cli-io.ts";

/** Options that {@link addPassphraseOptions} adds. */
export interface PassphraseOptions {
  readonly passphraseFd?: string;
  readonly passphraseFile?: string;
}

const MAX_BYTES = 4096;

/** `--passphrase-fd N` and `--passphrase-file FILE`: never in argv, where every user of the machine could read it. */
export function addPassphraseOptions(command: Command): Command {
  return command
    .option("--passphrase-fd <n>", "read the keys' passphrase, or their token's PIN, from this file descriptor")
    .option("--passphrase-file <file>", "read it from this file");
}

/** The passphrase from where the options say, else from the terminal; one newline at its end is no part of it. */
export async function readPassphrase(options: PassphraseOptions, io: CliIo, ask: { readonly prompt?: string; readonly confirm?: boolean } = {}): Promise<string> {
  const { passphraseFd, passphraseFile } = options;
  if (passphraseFd !== undefined && passphraseFile !== undefined) throw new BuildError("USAGE", "give --passphrase-fd or --passphrase-file, not both");
  if (passphraseFile !== undefined) return take(readFileSync(passphraseFile));
  if (passphraseFd !== undefined) {
    if (!/^\d{1,4}$/.test(passphraseFd)) throw new BuildError("USAGE", "--passphrase-fd takes the number of an open file descriptor");
    return take(readFileSync(Number(passphraseFd)));
  }
  const first = await io.askSecret(ask.prompt ?? "passphrase of the keys: ");
  if (ask.confirm === true && first !== (await io.askSecret("once more: "))) throw new BuildError("USAGE", "the two passphrases differ");
  return first;
}

function take(data: Buffer): string {
  if (data.length > MAX_BYTES) throw new BuildError("USAGE", `a passphrase has at most ${MAX_BYTES} bytes`);
  return data.toString("utf8").replace(/\r?\n$/, "");
}
