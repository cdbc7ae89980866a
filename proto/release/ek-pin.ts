import { z } from "zod";
import { parseCanonicalJson } from "../wire/json.ts";
import { dnsLabel, hexText } from "../wire/text.ts";
import type { StatementKind } from "./operator-statement.ts";

/** DSSE payload type of an operator's pin, signed by the operator's own key. */
export const EK_PIN_TYPE = "application/vnd.kubedos.ek-pin+json";

/** An operator's word about which EK a slot is for that nobody stamped (DESIGN §2.7). The newest about a slot counts. */
export const ekPinSchema = z.strictObject({
  kind: z.literal("kubedos/ek-pin"),
  version: z.literal(1),
  cluster: dnsLabel,
  slot: dnsLabel,
  /** The slot's, as the operator saw it: a slot that changed its role needs a new word. */
  role: dnsLabel,
  /** Name of the EK as hex, see the pin file; null: the slot is for no EK in particular again. */
  ekName: hexText(34).nullable(),
  /** Milliseconds since 1970, by the operator's clock. */
  issuedAt: z.int().positive(),
});
/** See {@link ekPinSchema}. */
export type EkPin = z.output<typeof ekPinSchema>;

/** Payload bytes of a verified envelope → pin. Throws WireError. */
export function parseEkPin(data: Uint8Array): EkPin {
  return parseCanonicalJson(ekPinSchema, data, 16 * 1024);
}

/** A pin as a statement. It says what machines are judged by: an admin's word alone. */
export const EK_PIN: StatementKind<EkPin> = { type: EK_PIN_TYPE, parse: parseEkPin, needs: "admin" };
