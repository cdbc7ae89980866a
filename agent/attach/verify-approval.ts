import type { SignedApproval } from "../../proto/gen/kubedos/v1/node.ts";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { verifyIdentity } from "../../proto/pki/verify.ts";
import { type Approval, APPROVAL_TYPE, parseApproval } from "../../proto/release/approval.ts";
import { AgentError } from "../error.ts";

/** What this node trusts, all of it from its image but the time. */
export interface Trust {
  readonly cluster: string;
  /** PEM of the root. */
  readonly rootCa: string;
  readonly now: Date;
}

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
export function verifyApproval(signed: SignedApproval | undefined, subject: ApprovalSubject, trust: Trust): Approval {
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

function open(signed: SignedApproval, subject: ApprovalSubject, trust: Trust): Approval {
  try {
    const { cluster, now } = trust;
    const chain = signed.certificateChain.map((der) => new Uint8Array(der));
    const operator = verifyIdentity({ chain, root: trust.rootCa, role: "operator", cluster, now });
    return parseApproval(openEnvelope(APPROVAL_TYPE, parseEnvelope(new Uint8Array(signed.envelope)), [operator.key]));
  } catch (cause) {
    throw new AgentError("PEER_REFUSED", `the approval for ${subject.slot} is not an operator's word`, { cause });
  }
}
