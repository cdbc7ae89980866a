import { equalBytes } from "../../proto/wire/bytes.ts";
import { Refusal } from "./refusal.ts";
import type { Challenge } from "./types.ts";

const NONCE_BYTES = 32;
const MIN_SECRET_BYTES = 16;

/**
 * That the machine opened this challenge's credential and is still in time (P5). Only the TPM that holds both keys
 * could, so this ties the attestation key to the endorsement key. An empty nonce or secret in our own hands would accept everybody, so
 * it is refused as well. Throws Refusal.
 */
export function checkChallenge(secret: Uint8Array, challenge: Challenge, now: number): void {
  const { nonce, secret: expected, verifier, issuedAt, expiresAt } = challenge;
  if (nonce.length !== NONCE_BYTES || verifier.length !== NONCE_BYTES || expected.length < MIN_SECRET_BYTES) {
    throw new Refusal("CHALLENGE_INVALID");
  }
  if (!equalBytes(secret, expected)) throw new Refusal("SECRET_WRONG");
  // Written so that a NaN on either side is refused too.
  if (!(issuedAt <= now && now < expiresAt)) throw new Refusal("NONCE_EXPIRED");
}
