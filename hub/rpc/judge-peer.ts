import { X509Certificate } from "node:crypto";
import { verifyIdentity, verifyOperator, verifySelfSigned } from "../../proto/pki/verify.ts";
import type { Operator } from "../enroll/decide.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { HubError } from "../error.ts";
import type { PeerFacts } from "../enroll/peer-facts.ts";

/**
 * Who may open a stream on the node listener (DESIGN §2.1): a stranger with a self-signed certificate, who has proved a
 * key and nothing else, or a node under the node issuer that this hub holds.
 * Either way only the key counts: who the machine is, its evidence says. Everything else throws PkiError.
 */
export function judgeNodePeer(context: HubContext, certificate: Uint8Array, source: string): PeerFacts {
  const now = new Date(context.ports.clock.wallMs());
  if (isSelfIssued(certificate)) {
    return { spki: verifySelfSigned(certificate, now).spki, source };
  }
  const { cluster, rootCa: root } = context.image;
  const { spki } = verifyIdentity({ chain: [certificate, context.trust.nodeIssuer], root, role: "node", cluster, now });
  return { spki, source };
}

/**
 * Who may call on the operator listener: an operator under the delivered operator issuer, now; a connection doesn't
 * outlive its certificate. Null (no such connection) and everything else throws HubError `NOT_AN_OPERATOR`.
 */
export function judgeOperator(context: HubContext, certificate: Uint8Array | null): Operator {
  const { cluster, rootCa: root } = context.image;
  const now = new Date(context.ports.clock.wallMs());
  try {
    const { name, operatorRole, spki } = verifyOperator({ chain: certificate === null ? [] : [certificate, context.trust.operatorIssuer], root, cluster, now });
    return { name, role: operatorRole, spki };
  } catch (cause) {
    throw new HubError("NOT_AN_OPERATOR", "the caller's certificate is not an operator's of this cluster", { cause });
  }
}

/** Only chooses which judge is asked; a lie here is refused there. */
function isSelfIssued(certificate: Uint8Array): boolean {
  const { subject, issuer } = new X509Certificate(certificate);
  return subject === issuer;
}
