import { z } from "zod";
import type { ApprovedPolicy } from "../tpm/policy-key.ts";
import { fromBase64, toBase64 } from "../wire/base64.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import { canonicalJson, parseJson } from "../wire/json.ts";
import { base64Text, hexText } from "../wire/text.ts";

/** Largest file of this form that is read. */
export const MAX_PCR_SIGNATURES_BYTES: number = 16 * 1024;

/**
 * Approved PCR policies in the form of systemd's `tpm2-pcr-signature.json` and of the `.pcrsig` section: for each bank the PCRs that a
 * policy is over, SHA-256 of the key (PKCS #1, DER), the policy, and the signature. Who can write the file is nobody that counts: signatures do.
 */
export const pcrSignaturesSchema = z.strictObject({
  sha256: z
    .array(z.strictObject({ pcrs: z.array(z.int().min(0).max(23)).min(1).max(24), pkfp: hexText(32), pol: hexText(32), sig: base64Text(512) }))
    .min(1)
    .max(16),
});

/** One approval with the PCRs that it is over, ascending. */
export interface PcrApproval extends ApprovedPolicy {
  readonly pcrs: readonly number[];
  /** SHA-256 of the approving key (RSAPublicKey of PKCS #1, DER). */
  readonly keyDigest: Uint8Array;
}

/** Approvals → file bytes, canonical JSON. */
export function encodePcrSignatures(approvals: readonly PcrApproval[]): Uint8Array {
  const sha256 = approvals.map(({ pcrs, keyDigest, policy, signature }) => ({ pcrs: [...pcrs], pkfp: toHex(keyDigest), pol: toHex(policy), sig: toBase64(signature) }));
  return canonicalJson({ sha256 });
}

/** File bytes → approvals that nobody has verified. Throws WireError. */
export function parsePcrSignatures(data: Uint8Array): readonly PcrApproval[] {
  const { sha256 } = parseJson(pcrSignaturesSchema, data, MAX_PCR_SIGNATURES_BYTES);
  return sha256.map(({ pcrs, pkfp, pol, sig }) => ({ pcrs, keyDigest: fromHex(pkfp), policy: fromHex(pol), signature: fromBase64(sig) }));
}
