import { ALG } from "../../proto/tpm/alg.ts";
import { parsePublic, type TpmPublic } from "../../proto/tpm/public.ts";
import type { Scheme } from "../../proto/tpm/scheme.ts";
import { Refusal, refuseAs } from "./refusal.ts";

const MIN_RSA_BITS = 2048;
const CURVES: readonly string[] = ["P-256", "P-384"];
const SCHEME_HASHES: readonly number[] = [ALG.SHA256, ALG.SHA384, ALG.SHA512];

/** A key that passed {@link checkAk}. */
export type AttestationKey = TpmPublic & { readonly scheme: Scheme };

/**
 * TPMT_PUBLIC of the endorsement key: a restricted decryption key, made in its TPM and bound to it, so that a credential
 * for it can be opened there alone (P9 as far as the key itself can say). Throws Refusal.
 */
export function checkEk(data: Uint8Array): TpmPublic {
  const ek = refuseAs("EK_MALFORMED", () => parsePublic(data));
  const { attributes: a } = ek;
  const fault = findOriginFault(ek) ?? (a.decrypt && !a.sign ? undefined : "it must decrypt and not sign");
  if (fault !== undefined) throw new Refusal("EK_UNFIT", `The endorsement key is no such key: ${fault}.`);
  return ek;
}

/**
 * TPMT_PUBLIC of the attestation key: restricted, so that its TPM signs nothing with it that could pass for a quote
 * (P8; CVE-2021-3406), in one scheme fixed in the key. Throws Refusal.
 */
export function checkAk(data: Uint8Array): AttestationKey {
  const ak = refuseAs("AK_MALFORMED", () => parsePublic(data));
  const { scheme } = ak;
  const fault = findOriginFault(ak) ?? findSigningFault(ak);
  if (fault !== undefined || scheme === null) throw new Refusal("AK_UNFIT", `The attestation key is no such key: ${fault}.`);
  return { ...ak, scheme };
}

function findOriginFault(key: TpmPublic): string | undefined {
  const a = key.attributes;
  if (!a.fixedTPM) return "fixedTPM is clear, so it may be a copy";
  if (!a.fixedParent) return "fixedParent is clear, so it may be a copy";
  if (!a.sensitiveDataOrigin) return "sensitiveDataOrigin is clear, so somebody brought it along";
  if (!a.restricted) return "restricted is clear, so it may have signed or opened anything";
  if (key.nameAlg !== ALG.SHA256) return "its Name isn't made with SHA-256";
  if (key.type === "rsa" && key.keyBits < MIN_RSA_BITS) return `RSA with ${key.keyBits} bits is too weak`;
  if (key.type === "ecc" && !CURVES.includes(key.curve)) return `the curve ${key.curve} isn't accepted`;
  return undefined;
}

function findSigningFault(ak: TpmPublic): string | undefined {
  if (!ak.attributes.sign || ak.attributes.decrypt) return "it must sign and not decrypt";
  if (ak.scheme === null) return "its signature scheme isn't fixed";
  if (!SCHEME_HASHES.includes(ak.scheme.hash)) return "its scheme's hash is weaker than SHA-256";
  return undefined;
}
