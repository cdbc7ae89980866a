import { z } from "zod";

/** What the hub takes as a node: an id, the beginning of one, or a name; all of them are lower-case labels. */
export const nodeId = z.string().regex(/^[a-z0-9][-a-z0-9]{0,127}$/, "must be a node's id or name, as in the output of: kubedos-hub nodes");

/** Why something is decided; goes into the audit. */
export const reasonText = z
  .string()
  .trim()
  .min(1, "must not be empty")
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, "must be one line of plain text")
  .refine((text) => Buffer.byteLength(text) <= 512, "must have at most 512 bytes");
