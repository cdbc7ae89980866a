import { z } from "zod";
import { sha256 } from "../wire/bytes.ts";
import { toHex } from "../wire/hex.ts";
import { canonicalJson } from "../wire/json.ts";
import { hexText } from "../wire/text.ts";

const value = hexText(32);

/** PCR 0–3 of the SHA-256 bank in hex, before userspace extended anything: what an approval records (DESIGN §2.5). */
export const firmwareValuesSchema = z.strictObject({ "0": value, "1": value, "2": value, "3": value });
/** See {@link firmwareValuesSchema}. */
export type FirmwareValues = z.output<typeof firmwareValuesSchema>;

/** SHA-256 in hex over the canonical JSON of these values: what an approval binds. */
export function firmwareDigest(values: Readonly<Record<string, string>>): string {
  return toHex(sha256(canonicalJson(values)));
}

/** Id of one distinct change of firmware: the first 12 hex digits of SHA-256 over the canonical JSON of `{from, to}`. */
export function firmwareChangeId(from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>): string {
  return toHex(sha256(canonicalJson({ from, to }))).slice(0, 12);
}
