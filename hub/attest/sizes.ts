import { MAX_CLAIMS_BYTES } from "../../proto/evidence/claims.ts";
import { EVIDENCE_LIMITS } from "../../proto/evidence/limits.ts";
import type { EvidenceField } from "./finding.ts";
import { refuseField } from "./refusal.ts";
import type { UnverifiedEvidence } from "./types.ts";

const LIMITS: Readonly<Record<keyof UnverifiedEvidence, number>> = {
  ekPublic: EVIDENCE_LIMITS.publicArea,
  akPublic: EVIDENCE_LIMITS.publicArea,
  secret: EVIDENCE_LIMITS.secret,
  quote: EVIDENCE_LIMITS.quote,
  signature: EVIDENCE_LIMITS.signature,
  claims: MAX_CLAIMS_BYTES,
  firmwareLog: EVIDENCE_LIMITS.firmwareLog,
  userspaceLog: EVIDENCE_LIMITS.userspaceLog,
};

const FIELDS: Readonly<Record<keyof UnverifiedEvidence, EvidenceField>> = {
  ekPublic: "ek.public",
  akPublic: "ak.public",
  secret: "secret",
  quote: "quote",
  signature: "signature",
  claims: "claims",
  firmwareLog: "firmwareLog",
  userspaceLog: "userspaceLog",
};

/** Nothing is parsed or hashed before its size is known to be sane (P16). Throws Refusal `EVIDENCE_TOO_LARGE`. */
export function checkSizes(evidence: UnverifiedEvidence): void {
  for (const [part, max] of Object.entries(LIMITS) as [keyof UnverifiedEvidence, number][]) {
    const { length } = evidence[part];
    if (length <= max) continue;
    const detail = `The evidence's ${part} has ${length} bytes, at most ${max} are allowed.`;
    throw refuseField("EVIDENCE_TOO_LARGE", FIELDS[part], { what: "its size", expected: `at most ${max} bytes`, found: `${length} bytes`, detail });
  }
}
