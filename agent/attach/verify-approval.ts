import type { SignedApproval } from "../../proto/gen/kubedos/v1/node.ts";
import { type Approval, APPROVAL } from "../../proto/release/approval.ts";
import { openOperatorStatement, type OperatorTrust } from "../../proto/release/operator-statement.ts";
import { AgentError } from "../error.ts";

/** Whom the approval must be for; the EK is known for the node itself alone. */
export interface ApprovalSubject {
  readonly slot: string;
  readonly role: string;
  readonly ekName?: string;
}

/**
 * Accepts an operator's statement only if: its chain is an operator of this cluster under the image's root; that key
 * signed the envelope; and it names this cluster, slot, role and, where known, EK. `notAfter` bounds new admissions, which the hub
 * judges; a peer may have been admitted before it. Throws {@link AgentError} `PEER_REFUSED` with the cause.
 */
export function verifyApproval(signed: SignedApproval | undefined, subject: ApprovalSubject, trust: OperatorTrust): Approval {
  if (signed === undefined) throw new AgentError("PEER_REFUSED", `no operator's approval for ${subject.slot} came along`);
  const approval = open(signed, subject, trust);
  const wrong = (what: string, is: string): AgentError =>
    new AgentError("PEER_REFUSED", `the approval for ${subject.slot} is for ${what} ${is}`);
  if (approval.cluster !== trust.cluster) throw wrong("cluster", approval.cluster);
  if (approval.slot !== subject.slot) throw wrong("slot", approval.slot);
  if (approval.role !== subject.role) throw wrong("role", approval.role);
  if (subject.ekName !== undefined && approval.ekName !== subject.ekName) throw wrong("EK", approval.ekName);
  return approval;
}

function open(signed: SignedApproval, subject: ApprovalSubject, trust: OperatorTrust): Approval {
  try {
    const statement = { envelope: new Uint8Array(signed.envelope), chain: signed.certificateChain.map((der) => new Uint8Array(der)) };
    return openOperatorStatement(APPROVAL, statement, trust).says;
  } catch (cause) {
    throw new AgentError("PEER_REFUSED", `the approval for ${subject.slot} is not an operator's word`, { cause });
  }
}
