import { z } from "zod";
import { parseCanonicalJson } from "../wire/json.ts";
import { dnsLabel, hexText } from "../wire/text.ts";

/** DSSE payload type of the pin file, signed by the release key. */
export const PINS_TYPE = "application/vnd.kubedos.pins+json";

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
});
/** See {@link pinsSchema}. */
export type Pins = z.output<typeof pinsSchema>;

/** Payload bytes of a verified envelope → pins. Throws WireError. */
export function parsePins(data: Uint8Array): Pins {
  return parseCanonicalJson(pinsSchema, data, 8 * 1024 * 1024);
}
