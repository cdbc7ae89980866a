import { z } from "zod";
import { utf8 } from "../wire/bytes.ts";
import { parseJson } from "../wire/json.ts";
import { dnsLabel } from "../wire/text.ts";

/** Prefix of the SMBIOS type 11 string that carries the record. */
export const HINT_PREFIX = "kubedos.hint=";
const MAX_HINT_BYTES = 1024;

const ipv4 = z.ipv4();

/**
 * What differs from machine to machine and can't be measured (DESIGN §2.4). Whoever owns the hypervisor writes it, so it
 * decides about reachability and nothing else. Without one the LAN is configured by DHCP.
 */
export const hintSchema = z.strictObject({
  v: z.literal(1),
  /** The slot this machine was stamped for; a wish until its EK proves it. */
  slot: dnsLabel.optional(),
  /** Where the hub's node listener is. */
  hub: z.strictObject({ host: ipv4, port: z.int().min(1).max(65535) }).optional(),
  lan: z
    .array(z.strictObject({ interface: z.enum(["eth0", "eth1"]), address: z.cidrv4(), gateway: ipv4.optional() }))
    .max(2)
    .optional(),
});

/** See {@link hintSchema}. */
export type Hint = z.output<typeof hintSchema>;

/** The text behind {@link HINT_PREFIX} → hint. Throws WireError. */
export function parseHint(text: string): Hint {
  return parseJson(hintSchema, utf8(text), MAX_HINT_BYTES);
}
