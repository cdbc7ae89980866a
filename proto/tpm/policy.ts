import { concatBytes } from "../wire/bytes.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG, digest, hashSize, type ShaAlg } from "./alg.ts";
import { CC } from "./handles.ts";
import { marshalPcrSelections } from "./pcr-selection.ts";
import { pcrDigest } from "./pcr.ts";

const SHA256_ZERO = new Uint8Array(32);

/**
 * authPolicy that TPM2_PolicySecret alone satisfies, with an empty policyRef (Part 3, 23.4): H(H(zeros ‖ command code ‖
 * entity's Name)). `entityName` of a hierarchy is its handle, 4 bytes.
 */
export function policySecretDigest(hash: ShaAlg, entityName: Uint8Array): Uint8Array {
  const start = new Uint8Array(hashSize(hash));
  return digest(hash, digest(hash, start, concatBytes(code(CC.PolicySecret), entityName)));
}

/** Policy that TPM2_PolicyPCR alone satisfies (Part 3, 23.7), over SHA-256, while PCRs of the SHA-256 bank have these values. Throws RangeError on an index over 23. */
export function policyPcrDigest(values: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const pcrs = [...values.keys()].sort((a, b) => a - b);
  return policyOfPcrDigest(pcrs, pcrDigest(pcrs.map((pcr) => values.get(pcr) ?? SHA256_ZERO)));
}

/** The same from the digest over the values, as a TPM writes it into creation data. `pcrs` ascending. */
export function policyOfPcrDigest(pcrs: readonly number[], valuesDigest: Uint8Array): Uint8Array {
  return digest(ALG.SHA256, SHA256_ZERO, code(CC.PolicyPCR), marshalPcrSelections([{ hash: ALG.SHA256, pcrs }]), valuesDigest);
}

/** Policy that TPM2_PolicyAuthorize satisfies (Part 3, 23.16): whatever the key with this Name approves for `policyRef`. */
export function policyAuthorizeDigest(keyName: Uint8Array, policyRef: Uint8Array): Uint8Array {
  return digest(ALG.SHA256, digest(ALG.SHA256, SHA256_ZERO, code(CC.PolicyAuthorize), keyName), policyRef);
}

function code(value: number): Uint8Array {
  return new ByteWriter().u32be(value).done();
}
