import { z } from "zod";
import { parseCanonicalJson } from "../wire/json.ts";
import { base64Text, dnsLabel } from "../wire/text.ts";

/** DSSE payload type of what the build host hands to an attested hub, signed by the release key. */
export const DELIVERY_TYPE = "application/vnd.kubedos.delivery+json";

const certificate = base64Text(4096);

/** Everything a hub needs and can't make itself (DESIGN §2.14). Certificates are DER in base64; envelopes are DSSE bytes in base64. */
export const deliverySchema = z.strictObject({
  kind: z.literal("kubedos/delivery"),
  version: z.literal(1),
  cluster: dnsLabel,
  /** Intermediates over the SPKIs in the hub's claims, signed by the root. */
  hubIssuer: certificate,
  nodeIssuer: certificate,
  /** The intermediate whose key stays with the build host: a hub can't make operators. */
  operatorIssuer: certificate,
  /** The slot the hub's own node has. */
  slot: dnsLabel,
  releases: z.array(base64Text(4 * 1024 * 1024)).min(1).max(4),
  pins: base64Text(8 * 1024 * 1024),
  /** Operators' approvals that exist before the hub does: at least the one of its own node. */
  approvals: z.array(z.strictObject({ envelope: base64Text(65536), chain: z.array(certificate).min(2).max(4) })).max(1024),
});
/** See {@link deliverySchema}. */
export type Delivery = z.output<typeof deliverySchema>;

/** Payload bytes of a verified envelope → delivery. Throws WireError. */
export function parseDelivery(data: Uint8Array): Delivery {
  return parseCanonicalJson(deliverySchema, data, 16 * 1024 * 1024);
}
