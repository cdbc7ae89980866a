import { type Claims, parseClaims } from "../../proto/evidence/claims.ts";
import { type EvidenceBinding, extraDataOver } from "../../proto/evidence/extra-data.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { Refusal, refuseAs, refuseField } from "./refusal.ts";
import type { Challenge, Known, UnverifiedEvidence } from "./types.ts";
import { findUnbound } from "./unbound.ts";

/** SHA-256 of both logs, as the quote covers them. */
export interface LogDigests {
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/**
 * That the quote was made for this challenge, this verifier, these claims and these logs (P5, P6). `before` only says more where it wasn't
 * (unbound.ts). Throws Refusal `BINDING_WRONG`.
 */
export function checkBinding(extraData: Uint8Array, evidence: UnverifiedEvidence, challenge: Challenge, before: EvidenceBinding | null): LogDigests {
  const digests = { claims: sha256(evidence.claims), firmwareLog: sha256(evidence.firmwareLog), userspaceLog: sha256(evidence.userspaceLog) };
  if (equalBytes(extraData, extraDataOver(challenge, digests))) return digests;
  const { nonce, verifier } = challenge;
  const { claims, firmwareLog, userspaceLog } = evidence;
  throw new Refusal("BINDING_WRONG", findUnbound(extraData, { nonce, verifier, claims, firmwareLog, userspaceLog }, before));
}

/**
 * The claims themselves, once the quote covers them: they are this cluster's, and their TLS key is the one that the
 * connection's peer proved, so nobody carries another machine's evidence (P6, P7). Throws Refusal.
 */
export function checkClaims(data: Uint8Array, known: Pick<Known, "cluster" | "peerKey">): Claims {
  const claims = refuseAs("CLAIMS_MALFORMED", "claims", "canonical JSON of kubedos/claims, version 1", () => parseClaims(data));
  if (claims.cluster !== known.cluster) throw refuseField("CLUSTER_WRONG", "claims.cluster", { what: "claimed cluster", expected: known.cluster, found: claims.cluster });
  const tls = fromBase64(claims.tls);
  if (known.peerKey !== null && !equalBytes(tls, known.peerKey)) {
    const spki = (key: Uint8Array, of: string): string => `SPKI with SHA-256 ${toHex(sha256(key))}, ${of}`;
    throw refuseField("TLS_KEY_WRONG", "claims.tls", { what: "TLS key", expected: spki(known.peerKey, "the connection's"), found: spki(tls, "the claims'") });
  }
  return claims;
}
