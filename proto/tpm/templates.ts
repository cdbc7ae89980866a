import { utf8 } from "../wire/bytes.ts";
import { fromHex } from "../wire/hex.ts";
import { ALG } from "./alg.ts";
import { attributesOf } from "./attributes.ts";
import type { TpmPublic } from "./public.ts";
import type { Symmetric } from "./scheme.ts";

/** Kind of a key. */
export type KeyKind = "ecc" | "rsa";

/**
 * PolicyA of the EK Credential Profile (B.6.2): PolicySecret(TPM_RH_ENDORSEMENT) over SHA-256. Whoever knows the
 * endorsement hierarchy's authorization may use the EK.
 */
export const EK_POLICY: Uint8Array = fromHex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa");

const EK_COMMON = {
  nameAlg: ALG.SHA256,
  attributes: attributesOf(
    "fixedTPM",
    "fixedParent",
    "sensitiveDataOrigin",
    "adminWithPolicy",
    "restricted",
    "decrypt",
  ),
  authPolicy: EK_POLICY,
  symmetric: { alg: "aes-cfb", bits: 128 } satisfies Symmetric,
  scheme: null,
} as const;

/**
 * Templates of the TCG EK Credential Profile 2.x for low-range EKs: L-1 (RSA 2048, B.3.3) and L-2 (ECC P-256, B.3.4),
 * with their `unique` of zeros. The same template gives the same key on the same TPM, the one its certificate is about.
 */
export const EK_TEMPLATES: Readonly<Record<KeyKind, TpmPublic>> = {
  rsa: { ...EK_COMMON, type: "rsa", keyBits: 2048, exponent: 0, modulus: new Uint8Array(256) },
  ecc: { ...EK_COMMON, type: "ecc", curve: "P-256", x: new Uint8Array(32), y: new Uint8Array(32) },
};

/** Makes our AK another key than everybody else's with the same attributes. */
const AK_UNIQUE = utf8("kubedos-ak");

const AK_COMMON = {
  nameAlg: ALG.SHA256,
  attributes: attributesOf(
    "fixedTPM",
    "fixedParent",
    "sensitiveDataOrigin",
    "userWithAuth",
    "noDA",
    "restricted",
    "sign",
  ),
  authPolicy: new Uint8Array(0),
  symmetric: null,
} as const;

/**
 * Attestation keys: restricted, so that they sign only what the TPM itself composed, with one fixed scheme and no
 * authorization. Under the endorsement hierarchy their quotes carry the true resetCount and firmwareVersion (P23).
 */
export const AK_TEMPLATES: Readonly<Record<KeyKind, TpmPublic>> = {
  ecc: {
    ...AK_COMMON,
    type: "ecc",
    scheme: { name: "ecdsa", hash: ALG.SHA256 },
    curve: "P-256",
    x: AK_UNIQUE,
    y: new Uint8Array(0),
  },
  rsa: {
    ...AK_COMMON,
    type: "rsa",
    scheme: { name: "rsassa", hash: ALG.SHA256 },
    keyBits: 2048,
    exponent: 0,
    modulus: AK_UNIQUE,
  },
};

/** The storage primary (TCG TPM v2.0 Provisioning Guidance 1.0, 7.5.1): parent of what is sealed. */
export const STORAGE_TEMPLATE: TpmPublic = {
  type: "ecc",
  nameAlg: ALG.SHA256,
  attributes: attributesOf("fixedTPM", "fixedParent", "sensitiveDataOrigin", "userWithAuth", "noDA", "restricted", "decrypt"),
  authPolicy: new Uint8Array(0),
  symmetric: { alg: "aes-cfb", bits: 128 },
  scheme: null,
  curve: "P-256",
  x: new Uint8Array(32),
  y: new Uint8Array(32),
};
