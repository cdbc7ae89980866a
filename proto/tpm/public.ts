import { createPublicKey, type KeyObject } from "node:crypto";
import { concatBytes } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG, digest, hashSize, hex16, readShaAlg, type ShaAlg } from "./alg.ts";
import { attributeBits, type ObjectAttributes, parseAttributes } from "./attributes.ts";
import { curveOf, type CurveName, readCurve } from "./curve.ts";
import { readScheme, readSymmetric, type Scheme, type Symmetric, writeScheme, writeSymmetric } from "./scheme.ts";

const RSA_BITS: readonly number[] = [1024, 2048, 3072, 4096];
const DEFAULT_EXPONENT = 65537;

interface PublicCommon {
  /** Hash of the key's Name, and of its policy. */
  readonly nameAlg: ShaAlg;
  readonly attributes: ObjectAttributes;
  /** Policy digest; empty where the key has no policy. */
  readonly authPolicy: Uint8Array;
  /** Cipher for the children of a storage key; null for signing keys. */
  readonly symmetric: Symmetric | null;
  /** The one scheme that the key signs with; null where the caller may choose. */
  readonly scheme: Scheme | null;
}

/** RSA key in TPMT_PUBLIC. */
export interface RsaPublic extends PublicCommon {
  readonly type: "rsa";
  readonly keyBits: number;
  /** As marshalled: 0 stands for 65537, and no other value is accepted. */
  readonly exponent: number;
  /** Big-endian, keyBits / 8 bytes. */
  readonly modulus: Uint8Array;
}

/** ECC key in TPMT_PUBLIC. */
export interface EccPublic extends PublicCommon {
  readonly type: "ecc";
  readonly curve: CurveName;
  /** Big-endian; a TPM may have dropped leading zeros. Only {@link publicKeyObject} checks that it is on the curve. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** TPMT_PUBLIC (Part 2, 12.2.4) of an asymmetric key. */
export type TpmPublic = RsaPublic | EccPublic;

/**
 * TPMT_PUBLIC bytes → key. Strict: {@link marshalPublic} of the result gives the input back. Says nothing about whether
 * the key is good enough. Throws WireError.
 */
export function parsePublic(data: Uint8Array): TpmPublic {
  const r = new ByteReader(data);
  const type = r.u16be();
  const nameAlg = readShaAlg(r);
  const attributes = parseAttributes(r.u32be());
  const authPolicy = r.sized16be(hashSize(nameAlg));
  if (authPolicy.length !== 0 && authPolicy.length !== hashSize(nameAlg)) {
    throw new WireError("BAD_VALUE", `policy of ${authPolicy.length} bytes is no digest of the name algorithm`);
  }
  const symmetric = readSymmetric(r);
  const common = { nameAlg, attributes, authPolicy, symmetric };
  switch (type) {
    case ALG.RSA:
      return readRsa(r, common);
    case ALG.ECC:
      return readEcc(r, common);
    default:
      throw new WireError("BAD_VALUE", `object type ${hex16(type)} is neither RSA nor ECC`);
  }
}

function readRsa(r: ByteReader, common: Omit<PublicCommon, "scheme">): RsaPublic {
  const scheme = readScheme(r, ["rsassa", "rsapss"]);
  const keyBits = r.u16be();
  if (!RSA_BITS.includes(keyBits)) throw new WireError("BAD_VALUE", `RSA key of ${keyBits} bits`);
  const exponent = r.u32be();
  // An exponent of 1 would make every signature valid, and no TPM here makes another than F4.
  if (exponent !== 0 && exponent !== DEFAULT_EXPONENT) throw new WireError("BAD_VALUE", `RSA exponent ${exponent}`);
  const modulus = r.sized16be(keyBits / 8);
  r.end();
  if (modulus.length !== keyBits / 8) throw new WireError("BAD_VALUE", "RSA modulus is shorter than the key's size");
  if (((modulus[0] ?? 0) & 0x80) === 0 || ((modulus.at(-1) ?? 0) & 1) === 0) {
    throw new WireError("BAD_VALUE", "RSA modulus is even or has leading zeros");
  }
  return { ...common, type: "rsa", scheme, keyBits, exponent, modulus };
}

function readEcc(r: ByteReader, common: Omit<PublicCommon, "scheme">): EccPublic {
  const scheme = readScheme(r, ["ecdsa"]);
  const curve = readCurve(r);
  const kdf = r.u16be();
  if (kdf !== ALG.NULL) throw new WireError("BAD_VALUE", `key derivation ${hex16(kdf)} is not supported`);
  const x = r.sized16be(curve.size);
  const y = r.sized16be(curve.size);
  r.end();
  if (x.length === 0 || y.length === 0) throw new WireError("BAD_VALUE", "the point has an empty coordinate");
  return { ...common, type: "ecc", scheme, curve: curve.jwk, x, y };
}

/** Key or template → TPMT_PUBLIC bytes. In a template, modulus or point hold the caller's `unique`, of any length. */
export function marshalPublic(key: TpmPublic): Uint8Array {
  const w = new ByteWriter()
    .u16be(key.type === "rsa" ? ALG.RSA : ALG.ECC)
    .u16be(key.nameAlg)
    .u32be(attributeBits(key.attributes))
    .sized16be(key.authPolicy);
  writeSymmetric(w, key.symmetric);
  writeScheme(w, key.scheme);
  if (key.type === "rsa") w.u16be(key.keyBits).u32be(key.exponent).sized16be(key.modulus);
  else w.u16be(curveOf(key.curve).id).u16be(ALG.NULL).sized16be(key.x).sized16be(key.y);
  return w.done();
}

/**
 * Name of a public area: its name algorithm (16 bits), then that hash over the TPMT_PUBLIC bytes (Part 1, 16). With
 * SHA-256: 000b and 32 bytes. Made from the bytes, never taken from whoever sent them. Throws WireError.
 */
export function nameOf(data: Uint8Array): Uint8Array {
  const { nameAlg } = parsePublic(data);
  return concatBytes(new ByteWriter().u16be(nameAlg).done(), digest(nameAlg, data));
}

/** The key for node:crypto. Throws WireError `BAD_VALUE` where the numbers are no key (a point off its curve). */
export function publicKeyObject(key: TpmPublic): KeyObject {
  const jwk =
    key.type === "rsa"
      ? { kty: "RSA", n: base64url(key.modulus), e: "AQAB" }
      : { kty: "EC", crv: key.curve, x: coordinate(key, key.x), y: coordinate(key, key.y) };
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch (cause) {
    throw new WireError("BAD_VALUE", "the public area holds no valid key", { cause });
  }
}

function coordinate(key: EccPublic, value: Uint8Array): string {
  return base64url(leftPad(value, curveOf(key.curve).size));
}

/** Big-endian number → exactly `size` bytes. The caller knows that it isn't longer. */
export function leftPad(value: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  out.set(value, size - value.length);
  return out;
}

function base64url(data: Uint8Array): string {
  return Buffer.from(data).toString("base64url");
}
