import { createHash, type Hash } from "node:crypto";
import type { ByteReader } from "../wire/reader.ts";
import { WireError } from "../wire/error.ts";

/** TPM_ALG_ID values (TCG Algorithm Registry, table 3) that kubedos names; on the wire each is 16 bits, big-endian. */
export const ALG = {
  RSA: 0x0001,
  SHA1: 0x0004,
  AES: 0x0006,
  KEYEDHASH: 0x0008,
  SHA256: 0x000b,
  SHA384: 0x000c,
  SHA512: 0x000d,
  NULL: 0x0010,
  SM3_256: 0x0012,
  RSASSA: 0x0014,
  RSAPSS: 0x0016,
  ECDSA: 0x0018,
  ECC: 0x0023,
  SHA3_256: 0x0027,
  SHA3_384: 0x0028,
  SHA3_512: 0x0029,
  CFB: 0x0043,
} as const;

const HASHES = {
  [ALG.SHA1]: { name: "sha1", size: 20 },
  [ALG.SHA256]: { name: "sha256", size: 32 },
  [ALG.SHA384]: { name: "sha384", size: 48 },
  [ALG.SHA512]: { name: "sha512", size: 64 },
  [ALG.SM3_256]: { name: "sm3", size: 32 },
  [ALG.SHA3_256]: { name: "sha3-256", size: 32 },
  [ALG.SHA3_384]: { name: "sha3-384", size: 48 },
  [ALG.SHA3_512]: { name: "sha3-512", size: 64 },
} as const;

/** TPMI_ALG_HASH: a hash that a bank, a Name or a signature may use. Which of them are good enough is policy. */
export type HashAlg = keyof typeof HASHES;

/** Hashes that a Name or a signature may use; a bank may have any other. */
export type ShaAlg = typeof ALG.SHA1 | typeof ALG.SHA256 | typeof ALG.SHA384 | typeof ALG.SHA512;

const SHA_ALGS: readonly number[] = [ALG.SHA1, ALG.SHA256, ALG.SHA384, ALG.SHA512] satisfies readonly ShaAlg[];

/** Whether a 16-bit identifier is SHA-1 or of the SHA-2 family. */
export function isShaAlg(id: number): id is ShaAlg {
  return SHA_ALGS.includes(id);
}

/** Whether a 16-bit identifier is one of the hashes above. */
export function isHashAlg(id: number): id is HashAlg {
  return Object.hasOwn(HASHES, id);
}

/** Digest length in bytes. */
export function hashSize(alg: HashAlg): number {
  return HASHES[alg].size;
}

/** Name as node:crypto and the Linux kernel write it: "sha256". */
export function hashName(alg: HashAlg): string {
  return HASHES[alg].name;
}

/** Digest over the concatenation of the parts. Throws WireError `BAD_VALUE` for a hash that the runtime lacks. */
export function digest(alg: HashAlg, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = newHash(alg);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function newHash(alg: HashAlg): Hash {
  try {
    return createHash(HASHES[alg].name);
  } catch (cause) {
    throw new WireError("BAD_VALUE", `${HASHES[alg].name} can't be computed here`, { cause });
  }
}

/** Reads a TPMI_ALG_HASH. Throws WireError `BAD_VALUE` on anything that is no hash, TPM_ALG_NULL included. */
export function readHashAlg(r: ByteReader): HashAlg {
  const id = r.u16be();
  if (!isHashAlg(id)) throw new WireError("BAD_VALUE", `algorithm ${hex16(id)} is not a hash`);
  return id;
}

/**
 * Reads the hash of a Name or of a signature: SHA-1 or SHA-2. Throws WireError `BAD_VALUE` on others, since not every
 * runtime has them, and a stranger's choice of hash must not end in another error than this.
 */
export function readShaAlg(r: ByteReader): ShaAlg {
  const id = r.u16be();
  if (!isShaAlg(id)) throw new WireError("BAD_VALUE", `hash ${hex16(id)} is not supported`);
  return id;
}

/** An algorithm identifier for a message: `0x0014`. */
export function hex16(id: number): string {
  return `0x${id.toString(16).padStart(4, "0")}`;
}
