import { type Claims, parseClaims } from "../../proto/evidence/claims.ts";
import { extraDataOver } from "../../proto/evidence/extra-data.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import { Refusal, refuseAs } from "./refusal.ts";
import type { Challenge, Known, UnverifiedEvidence } from "./types.ts";

/** SHA-256 of both logs, as the quote covers them. */
export interface LogDigests {
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/** That the quote was made for this challenge, this verifier, these claims and these logs (P5, P6). Throws Refusal `BINDING_WRONG`. */
export function checkBinding(extraData: Uint8Array, evidence: UnverifiedEvidence, challenge: Challenge): LogDigests {
  const digests = { claims: sha256(evidence.claims), firmwareLog: sha256(evidence.firmwareLog), userspaceLog: sha256(evidence.userspaceLog) };
  if (!equalBytes(extraData, extraDataOver(challenge, digests))) throw new Refusal("BINDING_WRONG");
  return digests;
}

/**
 * The claims themselves, once the quote covers them: they are this cluster's, and their TLS key is the one that the
 * connection's peer proved, so nobody carries another machine's evidence (P6, P7). Throws Refusal.
 */
export function checkClaims(data: Uint8Array, known: Pick<Known, "cluster" | "peerKey">): Claims {
  const claims = refuseAs("CLAIMS_MALFORMED", () => parseClaims(data));
  if (claims.cluster !== known.cluster) throw new Refusal("CLUSTER_WRONG");
  if (known.peerKey !== null && !equalBytes(fromBase64(claims.tls), known.peerKey)) throw new Refusal("TLS_KEY_WRONG");
  return claims;
}
