import { CliError } from "../cli-error.ts";
import type { CliPorts } from "../ports.ts";
import { ask } from "../prompt.ts";

/** What the acceptance asks, word for word. */
export const FIRMWARE_QUESTION = "Type the last 8 hex digits of the firmware's digest to accept it, or press Enter to leave it: ";

/**
 * The operator's own word that this is the firmware he means: by `--firmware` in full, else typed at the terminal. Throws CliError
 * `FIRMWARE_MISMATCH`, `LEFT_ALONE` or `NO_TERMINAL`.
 */
export async function confirmFirmware(what: { readonly digest: string; readonly id: string; readonly nodes: number }, given: string | undefined, ports: CliPorts): Promise<void> {
  const { digest, id, nodes } = what;
  const mismatch = (message: string): CliError => CliError.local("FIRMWARE_MISMATCH", `${message}; nothing was approved`, `kubedos-hub firmware show ${id}`);
  if (given !== undefined) {
    if (given !== digest) throw mismatch("the new firmware's digest is not the one of --firmware");
    return;
  }
  const answer = await ask(ports, FIRMWARE_QUESTION, `kubedos-hub firmware accept ${id} … --firmware DIGEST`);
  const typed = answer.replaceAll(" ", "");
  if (typed === "") throw CliError.local("LEFT_ALONE", `left as it is: none of the ${nodes} node(s) was approved`, "kubedos-hub firmware list");
  if (typed !== digest && typed !== digest.slice(-8)) throw mismatch("what was typed is not the new firmware's digest");
}
