import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ToolError } from "../../toolchain/error.ts";
import { runTool } from "../../toolchain/run-tool.ts";
import type { ToolTree } from "../../toolchain/toolchain-argv.ts";
import { KeysError } from "../error.ts";
import type { TokenAddress } from "./token-settings.ts";

/** Where openssl finds the PIN: a file in a file system of its own that ends with it. */
const PIN_FILE = "/run/pin";
const TIMEOUT_MS = 60_000;

/** A token and what opens it. */
export interface TokenAccess {
  readonly tools: ToolTree;
  readonly address: TokenAddress;
  readonly pin: string;
}

/**
 * Runs openssl on a token, by its PKCS#11 provider. `argv` is what follows "openssl"; it finds `input` at `in` and its result
 * is what it writes to `out`. Throws KeysError `TOKEN_FAILED` with openssl's own words.
 */
export async function runOpenssl(access: TokenAccess, argv: (files: { readonly in: string; readonly out: string }) => readonly string[], input?: Uint8Array): Promise<Uint8Array> {
  const { tools, address, pin } = access;
  const dir = await mkdtemp(join(tmpdir(), "kubedos-token-"));
  const files = { in: join(dir, "in"), out: join(dir, "out") };
  const settings = join(dir, "openssl.cnf");
  try {
    await writeFile(settings, opensslSettings(address.module));
    if (input !== undefined) await writeFile(files.in, input);
    await runTool(tools, ["openssl", ...argv(files)], {
      binds: [dir, ...address.binds],
      // A module may talk to its token over the network.
      network: true,
      env: { ...address.env, OPENSSL_CONF: settings },
      input: pin,
      inputFile: PIN_FILE,
      timeout: TIMEOUT_MS,
    });
    return new Uint8Array(await readFile(files.out));
  } catch (cause) {
    if (!(cause instanceof ToolError)) throw cause;
    throw new KeysError("TOKEN_FAILED", `token "${address.token}" did not answer as it should: ${lastWords(cause.message)}`, { cause });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** openssl's configuration: its own provider, and pkcs11-provider on the module. Private keys are written as URIs, never as keys. */
function opensslSettings(module: string): string {
  return [
    "openssl_conf = main",
    "[main]",
    "providers = providers",
    "[providers]",
    "default = own",
    "pkcs11 = token",
    "[own]",
    "activate = 1",
    "[token]",
    "module = /usr/lib/x86_64-linux-gnu/ossl-modules/pkcs11.so",
    `pkcs11-module-path = ${module}`,
    `pkcs11-module-token-pin = file:${PIN_FILE}`,
    "pkcs11-module-encode-provider-uri-to-pem = true",
    // softhsm2 and others end badly when they are asked to finish twice.
    "pkcs11-module-quirks = no-deinit",
    "activate = 1",
    "",
  ].join("\n");
}

/** The command itself says nothing to a person; openssl's first complaint does. */
function lastWords(message: string): string {
  const lines = message.split("\n").slice(1).filter((line) => line.trim() !== "");
  return lines.slice(0, 3).join(" | ").slice(0, 600) || message.slice(0, 300);
}
