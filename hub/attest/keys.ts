import { ALG, hashName } from "../../proto/tpm/alg.ts";
import { parsePublic, type TpmPublic } from "../../proto/tpm/public.ts";
import type { Scheme } from "../../proto/tpm/scheme.ts";
import { refuseAs, refuseField } from "./refusal.ts";

const MIN_RSA_BITS = 2048;
const CURVES: readonly string[] = ["P-256", "P-384"];
const SCHEME_HASHES: readonly number[] = [ALG.SHA256, ALG.SHA384, ALG.SHA512];

const PUBLIC_AREA = "TPMT_PUBLIC of an RSA or an elliptic curve key";
const NO_SCHEME: KeyFault = { part: "scheme", why: "its signature scheme isn't fixed", expected: "one of rsassa, rsapss, ecdsa, fixed in the key", found: "no scheme" };

/** A key that passed {@link checkAk}. */
export type AttestationKey = TpmPublic & { readonly scheme: Scheme };

/** What a key is and what it should be. */
interface KeyFault {
  readonly part: "attributes" | "algorithm" | "scheme";
  readonly why: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * TPMT_PUBLIC of the endorsement key: a restricted decryption key, made in its TPM and bound to it, so that a credential
 * for it can be opened there alone (P9 as far as the key itself can say). Throws Refusal.
 */
export function checkEk(data: Uint8Array): TpmPublic {
  const ek = refuseAs("EK_MALFORMED", "ek.public", PUBLIC_AREA, () => parsePublic(data));
  const { decrypt, sign } = ek.attributes;
  const fault = findOriginFault(ek) ?? (decrypt && !sign ? undefined : useFault(ek, { decrypt: true, sign: false }, "it must decrypt and not sign"));
  if (fault === undefined) return ek;
  const { part, why, expected, found } = fault;
  throw refuseField("EK_UNFIT", part === "attributes" ? "ek.attributes" : "ek.algorithm", { what: part, expected, found, detail: `The endorsement key is no such key: ${why}.` });
}

/**
 * TPMT_PUBLIC of the attestation key: restricted, so that its TPM signs nothing with it that could pass for a quote
 * (P8; CVE-2021-3406), in one scheme fixed in the key. Throws Refusal.
 */
export function checkAk(data: Uint8Array): AttestationKey {
  const ak = refuseAs("AK_MALFORMED", "ak.public", PUBLIC_AREA, () => parsePublic(data));
  const { scheme } = ak;
  const fault = findOriginFault(ak) ?? findSigningFault(ak);
  if (fault === undefined && scheme !== null) return { ...ak, scheme };
  const { part, why, expected, found } = fault ?? NO_SCHEME;
  throw refuseField("AK_UNFIT", `ak.${part}`, { what: part, expected, found, detail: `The attestation key is no such key: ${why}.` });
}

function findOriginFault(key: TpmPublic): KeyFault | undefined {
  const a = key.attributes;
  if (!a.fixedTPM) return clear("fixedTPM", "it may be a copy");
  if (!a.fixedParent) return clear("fixedParent", "it may be a copy");
  if (!a.sensitiveDataOrigin) return clear("sensitiveDataOrigin", "somebody brought it along");
  if (!a.restricted) return clear("restricted", "it may have signed or opened anything");
  if (key.nameAlg !== ALG.SHA256) return { part: "algorithm", why: "its Name isn't made with SHA-256", expected: "Name by sha256", found: `Name by ${hashName(key.nameAlg)}` };
  if (key.type === "rsa" && key.keyBits < MIN_RSA_BITS) {
    return { part: "algorithm", why: `RSA with ${key.keyBits} bits is too weak`, expected: `RSA with at least ${MIN_RSA_BITS} bits`, found: `RSA with ${key.keyBits} bits` };
  }
  if (key.type === "ecc" && !CURVES.includes(key.curve)) {
    return { part: "algorithm", why: `the curve ${key.curve} isn't accepted`, expected: CURVES.join(" or "), found: key.curve };
  }
  return undefined;
}

function findSigningFault(ak: TpmPublic): KeyFault | undefined {
  if (!ak.attributes.sign || ak.attributes.decrypt) return useFault(ak, { decrypt: false, sign: true }, "it must sign and not decrypt");
  if (ak.scheme === null) return NO_SCHEME;
  if (SCHEME_HASHES.includes(ak.scheme.hash)) return undefined;
  return { part: "scheme", why: "its scheme's hash is weaker than SHA-256", expected: "a hash of SHA-256 or better", found: `${ak.scheme.name} with ${hashName(ak.scheme.hash)}` };
}

function clear(attribute: string, meaning: string): KeyFault {
  return { part: "attributes", why: `${attribute} is clear, so ${meaning}`, expected: `${attribute} set`, found: `${attribute} clear` };
}

function useFault({ attributes }: TpmPublic, wanted: { readonly decrypt: boolean; readonly sign: boolean }, why: string): KeyFault {
  const words = (bits: typeof wanted): string => (["decrypt", "sign"] as const).map((bit) => `${bit} ${bits[bit] ? "set" : "clear"}`).join(", ");
  return { part: "attributes", why, expected: words(wanted), found: words(attributes) };
}
