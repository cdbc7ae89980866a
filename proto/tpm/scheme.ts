import type { ByteReader } from "../wire/reader.ts";
import { WireError } from "../wire/error.ts";
import type { ByteWriter } from "../wire/writer.ts";
import { ALG, hex16, readShaAlg, type ShaAlg } from "./alg.ts";

/** Signature schemes that kubedos knows, by the specification's names. */
export const SIGNATURE_SCHEMES = { rsassa: ALG.RSASSA, rsapss: ALG.RSAPSS, ecdsa: ALG.ECDSA } as const;

/** See {@link SIGNATURE_SCHEMES}. */
export type SchemeName = keyof typeof SIGNATURE_SCHEMES;

/** A key's own scheme (TPMT_RSA_SCHEME, TPMT_ECC_SCHEME): what it signs with, and over which hash. */
export interface Scheme {
  readonly name: SchemeName;
  readonly hash: ShaAlg;
}

/** Reads a scheme that is one of `allowed`, or TPM_ALG_NULL → null. Throws WireError `BAD_VALUE`. */
export function readScheme(r: ByteReader, allowed: readonly SchemeName[]): Scheme | null {
  const id = r.u16be();
  if (id === ALG.NULL) return null;
  const name = allowed.find((n) => SIGNATURE_SCHEMES[n] === id);
  if (name === undefined) throw new WireError("BAD_VALUE", `scheme ${hex16(id)} is not supported for this key`);
  return { name, hash: readShaAlg(r) };
}

/** Appends a scheme; null is TPM_ALG_NULL. */
export function writeScheme(w: ByteWriter, scheme: Scheme | null): void {
  if (scheme === null) w.u16be(ALG.NULL);
  else w.u16be(SIGNATURE_SCHEMES[scheme.name]).u16be(scheme.hash);
}

/** Symmetric cipher of a storage key (TPMT_SYM_DEF_OBJECT): AES in CFB mode is the only one that the profile knows. */
export interface Symmetric {
  readonly alg: "aes-cfb";
  readonly bits: 128 | 192 | 256;
}

/** Reads TPMT_SYM_DEF_OBJECT; TPM_ALG_NULL → null. Throws WireError `BAD_VALUE`. */
export function readSymmetric(r: ByteReader): Symmetric | null {
  const id = r.u16be();
  if (id === ALG.NULL) return null;
  if (id !== ALG.AES) throw new WireError("BAD_VALUE", `symmetric algorithm ${hex16(id)} is not supported`);
  const bits = r.u16be();
  if (bits !== 128 && bits !== 192 && bits !== 256) throw new WireError("BAD_VALUE", `AES has no keys of ${bits} bits`);
  const mode = r.u16be();
  if (mode !== ALG.CFB) throw new WireError("BAD_VALUE", `AES mode ${hex16(mode)} is not CFB`);
  return { alg: "aes-cfb", bits };
}

/** Appends TPMT_SYM_DEF_OBJECT; null is TPM_ALG_NULL. */
export function writeSymmetric(w: ByteWriter, symmetric: Symmetric | null): void {
  if (symmetric === null) w.u16be(ALG.NULL);
  else w.u16be(ALG.AES).u16be(symmetric.bits).u16be(ALG.CFB);
}
