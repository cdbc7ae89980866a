import { z } from "zod";
import { parseCanonicalJson } from "../wire/json.ts";
import { dnsLabel, hexText } from "../wire/text.ts";
import type { StatementKind } from "./operator-statement.ts";

/** DSSE payload type of an approval, signed by the operator's own key. */
export const APPROVAL_TYPE = "application/vnd.kubedos.approval+json";

/** An operator's word that this EK may be this slot (DESIGN §2.12). */
export const approvalSchema = z.strictObject({
  kind: z.literal("kubedos/approval"),
  version: z.literal(1),
  cluster: dnsLabel,
  ekName: hexText(34),
  slot: dnsLabel,
  role: dnsLabel,
  /** Of the identity: a statement for generation 1 doesn't admit generation 2 after an eviction. */
  identityGeneration: z.int().positive(),
  releaseGeneration: z.int().positive(),
  /** Of PCR 0–3 as the operator was shown them (firmwareDigest); null where none was known: before the machine was ever seen. */
  firmware: hexText(32).nullable(),
  /** Seconds since 1970; no new admission on this statement afterwards. */
  notAfter: z.int().positive(),
  acceptRisks: z.array(z.enum(["unanchored"])).max(1),
});
/** See {@link approvalSchema}. */
export type Approval = z.output<typeof approvalSchema>;

/** Payload bytes of a verified envelope → approval. Throws WireError. */
export function parseApproval(data: Uint8Array): Approval {
  return parseCanonicalJson(approvalSchema, data, 16 * 1024);
}

/** An approval as a statement: an approver's word is enough. */
export const APPROVAL: StatementKind<Approval> = { type: APPROVAL_TYPE, parse: parseApproval, needs: "approver" };
