import { z } from "zod";
import { parseCanonicalJson } from "../wire/json.ts";
import { base64Text, dnsLabel, hexText } from "../wire/text.ts";
import { EK_QUIRK_NAMES } from "./ek-quirk.ts";

/** DSSE payload type of the pin file, signed by the release key. */
export const PINS_TYPE = "application/vnd.kubedos.pins+json";

/** Bounds of the makers' certificates in a pin file; real ones have one or two KiB. `totalBytes` counts all of them, as DER. */
export const EK_TRUST_LIMITS = { certificateBytes: 8 * 1024, roots: 64, intermediates: 128, revoked: 1024, totalBytes: 512 * 1024 } as const;

const certificate = base64Text(EK_TRUST_LIMITS.certificateBytes);

/** Whose TPMs the cluster believes by their certificate (DESIGN §2.7); it travels with the pins and stands in no image. */
export const ekTrustSchema = z.strictObject({
  /** DER in base64: what a chain must end in. */
  roots: z.array(certificate).min(1).max(EK_TRUST_LIMITS.roots),
  /** DER in base64 of makers' issuing CAs, for TPMs that don't hold their chain. */
  intermediates: z.array(certificate).max(EK_TRUST_LIMITS.intermediates),
  /** Deviations that are put up with. */
  quirks: z.array(z.enum(EK_QUIRK_NAMES)).max(EK_QUIRK_NAMES.length),
  /** SHA-256 of withdrawn certificates: leaves, issuers or roots. */
  revoked: z.array(hexText(32)).max(EK_TRUST_LIMITS.revoked),
});
/** See {@link ekTrustSchema}. */
export type PinnedEkTrust = z.output<typeof ekTrustSchema>;

/** Every slot of the cluster, and for each stamped one the Name of its endorsement key (DESIGN §2.7). */
export const pinsSchema = z.strictObject({
  kind: z.literal("kubedos/pins"),
  version: z.literal(1),
  cluster: dnsLabel,
  /** Grows with each stamping; a hub takes no older file than the newest it has seen. */
  serial: z.int().positive(),
  slots: z
    .array(
      z.strictObject({
        name: dnsLabel,
        role: dnsLabel,
        /** n: the node's address in each plane is the plane's network plus n. */
        index: z.int().min(1).max(65534),
        /** Name of the EK as hex: 000b and SHA-256 of the TPMT_PUBLIC; null while the slot is not stamped. */
        ekName: hexText(34).nullable(),
      }),
    )
    .max(65534),
  /** Absent: no certificate anchors anybody. */
  ekTrust: ekTrustSchema.optional(),
});
/** See {@link pinsSchema}. */
export type Pins = z.output<typeof pinsSchema>;

/** Payload bytes of a verified envelope → pins. Throws WireError. */
export function parsePins(data: Uint8Array): Pins {
  return parseCanonicalJson(pinsSchema, data, 8 * 1024 * 1024);
}
