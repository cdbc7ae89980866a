import { constants, verify } from "node:crypto";
import { concatBytes } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { ALG, hashName, hex16, readShaAlg, type ShaAlg } from "./alg.ts";
import { curveOf } from "./curve.ts";
import { type EccPublic, leftPad, publicKeyObject, type RsaPublic, type TpmPublic } from "./public.ts";

/** RSA-4096. */
const MAX_RSA_BYTES = 512;
/** P-521. */
const MAX_ECC_BYTES = 66;

/** TPMT_SIGNATURE (Part 2, 11.3.4). `hash` is the signature's own, which need not be the hash of any PCR bank. */
export type TpmSignature =
  | { readonly scheme: "rsassa" | "rsapss"; readonly hash: ShaAlg; readonly signature: Uint8Array }
  | { readonly scheme: "ecdsa"; readonly hash: ShaAlg; readonly r: Uint8Array; readonly s: Uint8Array };

/** TPMT_SIGNATURE bytes → signature. Any other algorithm than RSASSA, RSAPSS and ECDSA is refused. Throws WireError. */
export function parseSignature(data: Uint8Array): TpmSignature {
  const r = new ByteReader(data);
  const signature = readSignature(r);
  r.end();
  return signature;
}

function readSignature(r: ByteReader): TpmSignature {
  const alg = r.u16be();
  switch (alg) {
    case ALG.RSASSA:
    case ALG.RSAPSS: {
      const hash = readShaAlg(r);
      return { scheme: alg === ALG.RSASSA ? "rsassa" : "rsapss", hash, signature: r.sized16be(MAX_RSA_BYTES) };
    }
    case ALG.ECDSA:
      return { scheme: "ecdsa", hash: readShaAlg(r), r: r.sized16be(MAX_ECC_BYTES), s: r.sized16be(MAX_ECC_BYTES) };
    default:
      throw new WireError("BAD_VALUE", `signature algorithm ${hex16(alg)} is not supported`);
  }
}

/**
 * Whether `key` signed `message` under its own scheme and hash (P22): a key without a fixed scheme verifies nothing, and
 * neither does a signature that names another scheme or hash. Throws WireError `BAD_VALUE` if the key itself is no key.
 */
export function verifySignature(key: TpmPublic, signature: TpmSignature, message: Uint8Array): boolean {
  if (key.scheme === null || key.scheme.name !== signature.scheme || key.scheme.hash !== signature.hash) return false;
  if (key.type === "rsa") return signature.scheme !== "ecdsa" && verifyRsa(key, signature, message);
  return signature.scheme === "ecdsa" && verifyEcdsa(key, signature, message);
}

function verifyRsa(key: RsaPublic, sig: Extract<TpmSignature, { signature: Uint8Array }>, message: Uint8Array): boolean {
  if (sig.signature.length !== key.modulus.length) return false;
  const pss = sig.scheme === "rsapss";
  return verify(
    hashName(sig.hash),
    message,
    {
      key: publicKeyObject(key),
      padding: pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING,
      // TPMs differ in the length of the salt (Part 1, B.7: the digest's length, or the longest that fits).
      ...(pss ? { saltLength: constants.RSA_PSS_SALTLEN_AUTO } : {}),
    },
    sig.signature,
  );
}

function verifyEcdsa(key: EccPublic, sig: Extract<TpmSignature, { r: Uint8Array }>, message: Uint8Array): boolean {
  const { size, order } = curveOf(key.curve);
  if (!inRange(sig.r, size, order) || !inRange(sig.s, size, order)) return false;
  const rs = concatBytes(leftPad(sig.r, size), leftPad(sig.s, size));
  return verify(hashName(sig.hash), message, { key: publicKeyObject(key), dsaEncoding: "ieee-p1363" }, rs);
}

/** 1 ≤ value < order, in no more bytes than the order has. */
function inRange(value: Uint8Array, size: number, order: bigint): boolean {
  if (value.length === 0 || value.length > size) return false;
  const n = BigInt(`0x${Buffer.from(value).toString("hex")}`);
  return n > 0n && n < order;
}
