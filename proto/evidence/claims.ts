import { z } from "zod";
import { parseCanonicalJson } from "../wire/json.ts";
import { base64Text, dnsLabel } from "../wire/text.ts";

/** Claims are at most this many bytes; a real one has about 1 KiB. */
export const MAX_CLAIMS_BYTES = 16 * 1024;

/** A plane's name, as the interface in the kernel. */
export const planeName = z.enum(["wg1", "wg2", "wg3"]);
/** wg1 control, wg2 observability, wg3 kubernetes. */
export type PlaneName = z.output<typeof planeName>;
/** All planes, in their fixed order. */
export const PLANES: readonly PlaneName[] = ["wg1", "wg2", "wg3"];

/**
 * What a node says of itself at admission (DESIGN §2.8). The quote's extraData covers these bytes, so every key in here
 * is bound to the TPM and to this boot; the hint and the role are the node's word, and judged elsewhere.
 */
export const claimsSchema = z.strictObject({
  kind: z.literal("kubedos/claims"),
  version: z.literal(1),
  stage: z.literal("admission"),
  cluster: dnsLabel,
  role: dnsLabel,
  bootId: z.uuid(),
  /** SubjectPublicKeyInfo (DER) of the key in the node's TLS certificate. */
  tls: base64Text(256),
  /** Curve25519 public keys, one a plane. */
  wireguard: z.strictObject({ wg1: base64Text(32), wg2: base64Text(32), wg3: base64Text(32) }),
  /** The hint record as it was found, untrusted; null where there is none. */
  hint: z.string().max(1024).nullable(),
  /** On the hub's node alone: SPKIs of the issuer keys that the root is asked to certify. */
  issuers: z.strictObject({ hub: base64Text(256), node: base64Text(256) }).optional(),
});

/** See {@link claimsSchema}. */
export type Claims = z.output<typeof claimsSchema>;

/** Canonical JSON bytes → claims. Throws WireError. */
export function parseClaims(data: Uint8Array): Claims {
  return parseCanonicalJson(claimsSchema, data, MAX_CLAIMS_BYTES);
}
