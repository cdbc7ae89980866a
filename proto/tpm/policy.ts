import { concatBytes } from "../wire/bytes.ts";
import { ByteWriter } from "../wire/writer.ts";
import { digest, hashSize, type ShaAlg } from "./alg.ts";
import { CC } from "./handles.ts";

/**
 * authPolicy that TPM2_PolicySecret alone satisfies, with an empty policyRef (Part 3, 23.4): H(H(zeros ‖ command code ‖
 * entity's Name)). `entityName` of a hierarchy is its handle, 4 bytes.
 */
export function policySecretDigest(hash: ShaAlg, entityName: Uint8Array): Uint8Array {
  const start = new Uint8Array(hashSize(hash));
  return digest(hash, digest(hash, start, concatBytes(new ByteWriter().u32be(CC.PolicySecret).done(), entityName)));
}
