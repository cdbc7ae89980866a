import { type KeyObject, verify } from "node:crypto";
import { concatBytes } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ALG } from "./alg.ts";
import { attributesOf } from "./attributes.ts";
import { marshalPublic, nameOf } from "./public.ts";

const KEY_BITS = 2048;

/** The key that approves PCR policies, as a TPM knows it. */
export interface PolicyKey {
  readonly key: KeyObject;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
}

/** An approved policy: the digest, and the key's signature over it and its purpose. */
export interface ApprovedPolicy {
  /** SHA-256 policy digest, 32 bytes. */
  readonly policy: Uint8Array;
  /** RSASSA-PKCS1-v1_5 with SHA-256 over {@link approvedMessage}. */
  readonly signature: Uint8Array;
}

/** RSA-2048 public key → the public area that everybody loads it under, since its Name is part of the policy. Throws WireError `BAD_VALUE` for any other key. */
export function policyKeyOf(key: KeyObject): PolicyKey {
  const { n, e } = key.type === "public" && key.asymmetricKeyType === "rsa" ? key.export({ format: "jwk" }) : {};
  const modulus = new Uint8Array(Buffer.from(n ?? "", "base64url"));
  if (modulus.length * 8 !== KEY_BITS || e !== "AQAB") throw new WireError("BAD_VALUE", "a policy key is RSA with 2048 bits and exponent 65537");
  const publicArea = marshalPublic({
    type: "rsa",
    nameAlg: ALG.SHA256,
    attributes: attributesOf("userWithAuth", "decrypt", "sign"),
    authPolicy: new Uint8Array(0),
    symmetric: null,
    scheme: null,
    keyBits: KEY_BITS,
    exponent: 0,
    modulus,
  });
  return { key, publicArea, name: nameOf(publicArea) };
}

/** What the key signs: TPM2_PolicyAuthorize's aHash is SHA-256 over it (Part 3, 23.16). */
export function approvedMessage(policy: Uint8Array, policyRef: Uint8Array): Uint8Array {
  return concatBytes(policy, policyRef);
}

/** Whether the key approved the policy for this purpose. */
export function isApproved(key: PolicyKey, { policy, signature }: ApprovedPolicy, policyRef: Uint8Array): boolean {
  return verify("sha256", approvedMessage(policy, policyRef), key.key, signature);
}
