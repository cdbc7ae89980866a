import { resolve } from "node:path";
import { type KeyAccess, needsTools } from "../keys/open-box.ts";
import type { Lock } from "../lock/lock.ts";
import { ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import type { CliIo } from "./cli-io.ts";
import { type PassphraseOptions, readPassphrase } from "./passphrase.ts";

/** Options of a command that opens a key directory. */
export interface KeyOptions extends PassphraseOptions {
  readonly keys: string;
  readonly cache: string;
}

/** What opens the keys: the passphrase, or the PIN and the tools for a token. */
export async function readKeyAccess(options: KeyOptions, io: CliIo, lock?: Lock): Promise<KeyAccess & { readonly dir: string }> {
  const dir = resolve(options.keys);
  if (!needsTools(dir)) return { dir, secret: await readPassphrase(options, io) };
  const secret = await readPassphrase(options, io, { prompt: "PIN of the token: " });
  return { dir, secret, tools: await ensureToolchain(options.cache, io.report, io.signal, lock) };
}
