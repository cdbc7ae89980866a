import { WireError } from "../wire/error.ts";
import { ALG, digest, type HashAlg, hashSize } from "./alg.ts";

/** A PCR of the SHA-256 bank after a reset; PCRs 17–22 start with ones instead. */
export const ZERO_PCR: Uint8Array = new Uint8Array(32);

/** TPM2_PCR_Extend: H(value ‖ digest). Both have the bank's digest length, or WireError `BAD_VALUE`. */
export function extend(value: Uint8Array, data: Uint8Array, bank: HashAlg = ALG.SHA256): Uint8Array {
  const size = hashSize(bank);
  if (value.length !== size || data.length !== size) {
    throw new WireError("BAD_VALUE", `a PCR of ${value.length} bytes can't be extended by ${data.length} bytes`);
  }
  return digest(bank, value, data);
}

/** The PCR after these digests were extended in this order, from zeros or from `initial` (P18). */
export function replayExtends(
  digests: Iterable<Uint8Array>,
  initial?: Uint8Array,
  bank: HashAlg = ALG.SHA256,
): Uint8Array {
  let value = initial ?? new Uint8Array(hashSize(bank));
  for (const d of digests) value = extend(value, d, bank);
  return value;
}

/**
 * pcrDigest of a quote: one hash over the PCR values, concatenated bank by bank in the selection's order and by
 * ascending index within a bank. `hash` is that of the signature's scheme, whatever the banks are (P21).
 */
export function pcrDigest(values: Iterable<Uint8Array>, hash: HashAlg = ALG.SHA256): Uint8Array {
  return digest(hash, ...values);
}
