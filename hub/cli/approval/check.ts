import type { ExplainResponse, Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { CliError } from "../cli-error.ts";
import { isUnanchored, nodeName, ON_ITS_WAY, WAITING } from "../node-state.ts";
import { printable } from "../output/printable.ts";

/** What the command line said about the approval. */
export interface Wish {
  readonly slot?: string | undefined;
  readonly acceptRisk: readonly string[];
}

/**
 * Refuses what can't be approved, before anybody is asked and before anything is signed: wrong state
 * (`ALREADY_DECIDED`, `REFUSED`), findings (`REFUSED`), an unstamped TPM without the risk named (`UNANCHORED`), or a slot
 * that isn't the machine's (`SLOT_MISMATCH`). The hub checks the same again. Returns the slot.
 */
export function checkApprovable(explained: ExplainResponse, node: Node, wish: Wish): string {
  checkState(node);
  if (explained.findings.length > 0) {
    throw CliError.local("REFUSED", `the evidence has ${explained.findings.length} finding(s) against the release`, `kubedos-hub explain ${node.id}`);
  }
  return isUnanchored(node) ? checkUnanchored(node, wish) : checkPinned(node, wish);
}

function checkState(node: Node): void {
  if (WAITING.includes(node.state)) return;
  const name = printable(nodeName(node));
  if (ON_ITS_WAY.includes(node.state)) {
    throw CliError.local("ALREADY_DECIDED", `${name} is ${printable(node.state)} already`, `kubedos-hub node show ${name}`);
  }
  throw CliError.local("REFUSED", `${name} is ${printable(node.state)} and does not wait for approval`, `kubedos-hub explain ${name}`);
}

function checkUnanchored(node: Node, wish: Wish): string {
  if (!wish.acceptRisk.includes("unanchored")) {
    throw CliError.local(
      "UNANCHORED",
      "nobody stamped this machine's TPM, so anyone's laptop can run one like it; it was not approved",
      `kubedos-hub approve ${node.id} --slot NAME --accept-risk=unanchored`,
    );
  }
  if (wish.slot === undefined) {
    throw CliError.local("USAGE", "an unanchored machine has no slot of its own: give it one", `kubedos-hub approve ${node.id} --slot NAME --accept-risk=unanchored`);
  }
  return wish.slot;
}

function checkPinned(node: Node, wish: Wish): string {
  if (wish.slot !== undefined && wish.slot !== node.name) {
    throw CliError.local("SLOT_MISMATCH", `this machine was stamped for slot ${printable(node.name)}, not ${wish.slot}`, `kubedos-hub node show ${node.id}`);
  }
  return node.name;
}
