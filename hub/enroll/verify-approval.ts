import { type Approval, APPROVAL } from "../../proto/release/approval.ts";
import { openOperatorStatement, type OperatorStatement } from "../../proto/release/operator-statement.ts";
import { firmwareDigest } from "../../proto/release/firmware.ts";
import type { Identity } from "../db/identities.ts";
import { HubError } from "../error.ts";
import type { Anchors } from "./ek-anchor.ts";
import type { BootFacts } from "./state.ts";

/** Against what a statement is held: the identity's verified facts and what the image trusts. */
export interface ApprovalQuestion {
  readonly cluster: string;
  /** PEM. */
  readonly rootCa: string;
  readonly anchors: Anchors;
  readonly nowMs: number;
  readonly identity: Identity;
  readonly facts: BootFacts;
  /** The statement let this machine in before its time was over; it ends new admissions, not old ones. */
  readonly used?: boolean;
}

/** A statement that holds, and who signed it. */
export interface VerifiedApproval {
  readonly approval: Approval;
  readonly operator: string;
  /** SPKI (DER) of the signing key. */
  readonly operatorKey: Uint8Array;
}

/**
 * Whether an operator's statement admits this machine now (DESIGN §2.12). Called when it arrives and again whenever a
 * stored one is used: a row of the database is never authority. Accepts only if: an operator of this cluster under the
 * image's root signed it; its time is not over, or was not when it was first used; it names this cluster, EK, identity generation and the release
 * generation that was measured, and the measured firmware where it names one; its role is the measured one and its slot exists
 * with that role; the slot is pinned to this EK, or to none and then a maker's certificate vouches for the EK or the statement itself
 * accepts the risk `unanchored`. Throws {@link HubError}.
 */
export function verifyApproval(stored: OperatorStatement, q: ApprovalQuestion): VerifiedApproval {
  const { operator, operatorKey, approval } = openApproval(stored, q);
  if (q.used !== true && approval.notAfter * 1000 <= q.nowMs) throw new HubError("APPROVAL_EXPIRED", "the approval's time is over");
  const differs = (what: string, wanted: string | number, is: string | number): void => {
    if (wanted !== is) throw new HubError("APPROVAL_MISMATCH", `the approval is for ${what} ${wanted}, the machine has ${is}`);
  };
  differs("cluster", approval.cluster, q.cluster);
  if (approval.ekName !== q.identity.ekName) throw new HubError("EK_MISMATCH", "the approval is for another endorsement key");
  differs("identity generation", approval.identityGeneration, q.identity.generation);
  // A new release whose image of this role is the old one, bit for bit, needs no new approvals.
  if (q.facts.sharedBy?.includes(approval.releaseGeneration) !== true) differs("release generation", approval.releaseGeneration, q.facts.releaseGeneration);
  if (approval.firmware !== null) differs("firmware", approval.firmware, firmwareDigest(q.facts.firmware.values));
  differs("role", approval.role, q.facts.role);
  checkSlot(approval, q);
  return { approval, operator, operatorKey };
}

function openApproval(stored: OperatorStatement, q: ApprovalQuestion): VerifiedApproval {
  try {
    const { says, operator } = openOperatorStatement(APPROVAL, stored, { cluster: q.cluster, rootCa: q.rootCa, now: new Date(q.nowMs) });
    return { approval: says, operator: operator.name, operatorKey: operator.spki };
  } catch (cause) {
    throw new HubError("APPROVAL_INVALID", "the approval is not an operator's word", { cause });
  }
}

function checkSlot(approval: Approval, q: ApprovalQuestion): void {
  const slot = q.anchors.slots.get(approval.slot);
  if (slot === undefined) throw new HubError("SLOT_UNKNOWN", `this cluster has no slot ${approval.slot}`);
  if (slot.role !== approval.role) throw new HubError("SLOT_MISMATCH", `slot ${slot.name} is for role ${slot.role}, not ${approval.role}`);
  const pinned = q.anchors.byEk.get(q.identity.ekName);
  if (pinned !== undefined) {
    if (pinned.name !== slot.name) throw new HubError("SLOT_MISMATCH", `this endorsement key is pinned to slot ${pinned.name}, not ${slot.name}`);
    return;
  }
  if (slot.ekName !== null) throw new HubError("CONFLICT", `slot ${slot.name} is pinned to another endorsement key`);
  if (!approval.acceptRisks.includes("unanchored") && !q.anchors.certifies(q.identity)) {
    throw new HubError("UNANCHORED", "nobody vouches for this machine's TPM, and the approval does not accept that risk");
  }
}
