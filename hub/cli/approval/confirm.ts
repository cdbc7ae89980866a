import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { CliError } from "../cli-error.ts";
import { ekTail, isUnanchored } from "../node-state.ts";
import type { CliPorts } from "../ports.ts";
import { ask } from "../prompt.ts";

/** What the approval asks, word for word. */
export const PINNED_QUESTION = "Type the last 8 hex digits of the EK name to approve, or press Enter to leave it: ";
/** The same for a machine that nobody vouches for: the whole name, so that it was really compared. */
export const UNANCHORED_QUESTION = "Type the whole EK name to approve this UNANCHORED machine, or press Enter to leave it: ";

/**
 * The operator's own word that this is the right EK: by `--ek-name` in full, else typed at the terminal. Spaces between
 * groups don't count. Throws CliError `EK_MISMATCH`, `LEFT_ALONE` or `NO_TERMINAL`.
 */
export async function confirmEk(node: Node, given: string | undefined, ports: CliPorts): Promise<void> {
  if (given !== undefined) {
    if (given !== node.ekName) throw mismatch(node, "the machine's EK name is not the one of --ek-name");
    return;
  }
  const whole = isUnanchored(node);
  const answer = await ask(ports, whole ? UNANCHORED_QUESTION : PINNED_QUESTION, `kubedos-hub approve ${node.id} --ek-name EKNAME`);
  const typed = answer.replaceAll(" ", "");
  if (typed === "") throw CliError.local("LEFT_ALONE", "left as it is: nothing was approved", "kubedos-hub pending");
  if (typed === node.ekName || (!whole && typed === ekTail(node))) return;
  throw mismatch(node, "what was typed is not this machine's EK name");
}

function mismatch(node: Node, message: string): CliError {
  return CliError.local("EK_MISMATCH", `${message}; nothing was approved`, `kubedos-hub node show ${node.id} and compare with the pin file`);
}
