import { nameOf } from "../../proto/tpm/public.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { type Refusal, refuseField } from "./refusal.ts";
import type { Challenge, UnverifiedEvidence } from "./types.ts";

const NONCE_BYTES = 32;
const MIN_SECRET_BYTES = 16;

/** Names of a machine's keys, hex, made from their bytes. */
export interface KeyNames {
  readonly ekName: string;
  readonly akName: string;
}

/**
 * That the machine opened this challenge's credential, with the keys that it was made for, and is still in time (P5, P8, P9). Only the
 * TPM that holds both keys could, so this ties the attestation key to the endorsement key; with other keys beside the secret it would
 * tie nothing. An empty nonce or secret in our own hands would accept everybody, so it is refused as well. Throws Refusal.
 */
export function checkChallenge(evidence: Pick<UnverifiedEvidence, "secret" | "ekPublic" | "akPublic">, challenge: Challenge, now: number): KeyNames {
  const { nonce, secret: expected, verifier, issuedAt, expiresAt } = challenge;
  if (nonce.length !== NONCE_BYTES || verifier.length !== NONCE_BYTES || expected.length < MIN_SECRET_BYTES) {
    throw refuseField("CHALLENGE_INVALID", "challenge", {
      what: "the verifier's own challenge",
      expected: `a nonce of ${NONCE_BYTES} bytes, a verifier of ${NONCE_BYTES} bytes, a secret of at least ${MIN_SECRET_BYTES} bytes`,
      found: `${nonce.length}, ${verifier.length} and ${expected.length} bytes`,
    });
  }
  const ekName = toHex(nameOf(evidence.ekPublic));
  const akName = toHex(nameOf(evidence.akPublic));
  if (ekName !== challenge.ekName) throw otherKey("endorsement key", challenge.ekName, ekName);
  if (akName !== challenge.akName) throw otherKey("attestation key", challenge.akName, akName);
  if (!equalBytes(evidence.secret, expected)) {
    // Neither of them is shown: whoever reads a finding learns no secret.
    throw refuseField("SECRET_WRONG", "secret", { what: "what the TPM gave back", expected: "the secret of this challenge", found: `another value, of ${evidence.secret.length} bytes` });
  }
  // Written so that a NaN on either side is refused too.
  if (!(issuedAt <= now && now < expiresAt)) {
    throw refuseField("NONCE_EXPIRED", "challenge.time", { what: "time from challenge to answer", expected: `less than ${expiresAt - issuedAt} ms`, found: `${now - issuedAt} ms` });
  }
  return { ekName, akName };
}

function otherKey(what: string, expected: string, found: string): Refusal {
  return refuseField("CHALLENGE_KEYS_WRONG", "challenge.keys", { what: `Name of the ${what}`, expected, found });
}
