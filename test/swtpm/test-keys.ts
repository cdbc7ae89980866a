import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { fromHex } from "../../proto/wire/hex.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { hashName, type ShaAlg } from "../../proto/tpm/alg.ts";
import { type CurveName, curveOf } from "../../proto/tpm/curve.ts";
import { marshalPublic, type TpmPublic } from "../../proto/tpm/public.ts";
import { SIGNATURE_SCHEMES, type Scheme } from "../../proto/tpm/scheme.ts";
import { AK_TEMPLATES, EK_TEMPLATES } from "../../proto/tpm/templates.ts";

/** A key made in software that looks like one of a TPM. */
export interface TestKey {
  readonly key: TpmPublic;
  readonly publicArea: Uint8Array;
  readonly privateKey: KeyObject;
}

/** RSA key with the attributes of our AK. */
export function makeRsaAk(scheme: Scheme, bits = 2048): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const modulus = fromBase64url(publicKey.export({ format: "jwk" })["n"]);
  const key: TpmPublic = { ...AK_TEMPLATES.rsa, type: "rsa", scheme, keyBits: bits, exponent: 0, modulus };
  return { key, publicArea: marshalPublic(key), privateKey };
}

/** ECC key with the attributes of our AK. */
export function makeEccAk(scheme: Scheme, curve: CurveName = "P-256"): TestKey {
  const { point, privateKey } = makePoint(curve);
  const key: TpmPublic = { ...AK_TEMPLATES.ecc, type: "ecc", scheme, curve, ...point };
  return { key, publicArea: marshalPublic(key), privateKey };
}

/** EK of the profile's template, changed as told. */
export function makeEk(kind: "rsa" | CurveName, change: Partial<TpmPublic> = {}): TestKey {
  const { key, privateKey } = kind === "rsa" ? makeRsaAk({ name: "rsassa", hash: 0x000b }) : makeEccAk({ name: "ecdsa", hash: 0x000b }, kind);
  const common = kind === "rsa" ? EK_TEMPLATES.rsa : EK_TEMPLATES.ecc;
  const { nameAlg, attributes, authPolicy, symmetric, scheme } = common;
  const ek = { ...key, nameAlg, attributes, authPolicy, symmetric, scheme, ...change } as TpmPublic;
  return { key: ek, publicArea: marshalPublic(ek), privateKey };
}

/** TPMT_SIGNATURE by the key's scheme, or by another one. */
export function signAs(key: TestKey, message: Uint8Array, scheme: Scheme): Uint8Array {
  const w = new ByteWriter().u16be(SIGNATURE_SCHEMES[scheme.name]).u16be(scheme.hash);
  if (scheme.name !== "ecdsa") return w.sized16be(signRsa(key, message, scheme)).done();
  const rs = sign(hashName(scheme.hash), message, { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return w.sized16be(rs.subarray(0, rs.length / 2)).sized16be(rs.subarray(rs.length / 2)).done();
}

function signRsa(key: TestKey, message: Uint8Array, scheme: { readonly name: string; readonly hash: ShaAlg }): Uint8Array {
  const pss = scheme.name === "rsapss";
  const padding = pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return sign(hashName(scheme.hash), message, { key: key.privateKey, padding, ...(pss ? { saltLength } : {}) });
}

function makePoint(curve: CurveName): { point: { x: Uint8Array; y: Uint8Array }; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curveOf(curve).jwk });
  const jwk = publicKey.export({ format: "jwk" });
  return { point: { x: fromBase64url(jwk["x"]), y: fromBase64url(jwk["y"]) }, privateKey };
}

function fromBase64url(text: unknown): Uint8Array {
  return fromHex(Buffer.from(String(text), "base64url").toString("hex"));
}
