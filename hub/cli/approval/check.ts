import type { ExplainResponse, Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { CliError } from "../cli-error.ts";
import { awaitsOperator, isPinned, isUnanchored, nodeName, ON_ITS_WAY } from "../node-state.ts";
import { printable } from "../output/printable.ts";

/** What the command line said about the approval. */
export interface Wish {
  readonly slot?: string | undefined;
  readonly acceptRisk: readonly string[];
}

/**
 * Refuses what can't be approved, before anybody is asked and before anything is signed: wrong state
 * (`ALREADY_DECIDED`, `NO_GOOD_EVIDENCE`, `REFUSED`), findings (`REFUSED`), an unanchored TPM without the risk named (`UNANCHORED`), or a slot
 * that isn't the machine's (`SLOT_MISMATCH`). The hub checks the same again. Returns the slot.
 */
export function checkApprovable(explained: ExplainResponse, node: Node, wish: Wish): string {
  checkState(node);
  // Those of a quarantined node are what put it there, and were shown; its last evidence has none but for the firmware.
  if (explained.findings.length > 0 && node.state !== "quarantined") {
    throw CliError.local("REFUSED", `the evidence has ${explained.findings.length} finding(s) against the release`, `kubedos-hub explain ${node.id}`);
  }
  if (isUnanchored(node)) return checkUnanchored(node, wish);
  return isPinned(node) ? checkPinned(node, wish) : checkCertified(node, wish);
}

function checkState(node: Node): void {
  if (awaitsOperator(node)) return;
  const name = printable(nodeName(node));
  if (ON_ITS_WAY.includes(node.state)) {
    throw CliError.local("ALREADY_DECIDED", `${name} is ${printable(node.state)} already`, `kubedos-hub node show ${name}`);
  }
  if (node.state === "quarantined") {
    throw CliError.local("NO_GOOD_EVIDENCE", `${name} is quarantined (${printable(node.code)}) and has shown nothing good since`, `kubedos-hub explain ${name}`);
  }
  throw CliError.local("REFUSED", `${name} is ${printable(node.state)} and does not wait for approval`, `kubedos-hub explain ${name}`);
}

function checkUnanchored(node: Node, wish: Wish): string {
  if (!wish.acceptRisk.includes("unanchored")) {
    throw CliError.local(
      "UNANCHORED",
      "nobody vouches for this machine's TPM, so anyone's laptop can run one like it; it was not approved",
      `kubedos-hub approve ${node.id} --slot NAME --accept-risk=unanchored`,
    );
  }
  if (wish.slot === undefined) {
    throw CliError.local("USAGE", "an unanchored machine has no slot of its own: give it one", `kubedos-hub approve ${node.id} --slot NAME --accept-risk=unanchored`);
  }
  return wish.slot;
}

/** A maker's certificate says that the TPM is a real one, not which machine it is in: the operator says which slot it gets. */
function checkCertified(node: Node, wish: Wish): string {
  if (wish.slot === undefined) throw CliError.local("USAGE", "a machine with a certificate alone has no slot of its own: give it one", `kubedos-hub approve ${node.id} --slot NAME`);
  return wish.slot;
}

function checkPinned(node: Node, wish: Wish): string {
  if (wish.slot !== undefined && wish.slot !== node.name) {
    throw CliError.local("SLOT_MISMATCH", `this machine's EK is for slot ${printable(node.name)}, not ${wish.slot}`, `kubedos-hub node show ${node.id}`);
  }
  return node.name;
}
