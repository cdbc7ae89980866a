import { nameOf } from "../../proto/tpm/public.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { Refusal } from "./refusal.ts";
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
    throw new Refusal("CHALLENGE_INVALID");
  }
  const ekName = toHex(nameOf(evidence.ekPublic));
  const akName = toHex(nameOf(evidence.akPublic));
  if (ekName !== challenge.ekName || akName !== challenge.akName) throw new Refusal("CHALLENGE_KEYS_WRONG");
  if (!equalBytes(evidence.secret, expected)) throw new Refusal("SECRET_WRONG");
  // Written so that a NaN on either side is refused too.
  if (!(issuedAt <= now && now < expiresAt)) throw new Refusal("NONCE_EXPIRED");
  return { ekName, akName };
}
