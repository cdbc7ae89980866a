import { constants, type KeyObject, publicEncrypt } from "node:crypto";
import { concatBytes } from "../wire/bytes.ts";
import { ByteWriter } from "../wire/writer.ts";
import { digest, hashSize, type ShaAlg } from "./alg.ts";

/**
 * RSAES-OAEP (RFC 8017, 7.1.1) with its seed given, which node:crypto doesn't offer: so that whoever encrypts decides
 * where randomness comes from, and tests are exact. Throws RangeError if the message doesn't fit the key or the seed is
 * not as long as the digest.
 */
export function encryptOaep(args: {
  readonly key: KeyObject;
  readonly modulusBytes: number;
  readonly hash: ShaAlg;
  /** With its terminating NUL, where the TPM wants one. */
  readonly label: Uint8Array;
  readonly message: Uint8Array;
  readonly seed: Uint8Array;
}): Uint8Array {
  const { hash, message, seed, modulusBytes: k } = args;
  const h = hashSize(hash);
  if (seed.length !== h) throw new RangeError(`an OAEP seed of ${seed.length} bytes, ${h} are needed`);
  if (message.length > k - 2 * h - 2) throw new RangeError(`${message.length} bytes don't fit the RSA key`);
  const padding = new Uint8Array(k - message.length - 2 * h - 2);
  const db = concatBytes(digest(hash, args.label), padding, Uint8Array.of(1), message);
  const maskedDb = xor(db, mgf1(hash, seed, db.length));
  const maskedSeed = xor(seed, mgf1(hash, maskedDb, h));
  const encoded = concatBytes(Uint8Array.of(0), maskedSeed, maskedDb);
  return new Uint8Array(publicEncrypt({ key: args.key, padding: constants.RSA_NO_PADDING }, encoded));
}

function mgf1(hash: ShaAlg, seed: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i * hashSize(hash) < length; i++) parts.push(digest(hash, seed, new ByteWriter().u32be(i).done()));
  return concatBytes(...parts).subarray(0, length);
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((v, i) => v ^ (b[i] ?? 0));
}
