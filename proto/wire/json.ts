import canonicalize from "canonicalize";
import type { z } from "zod";
import { utf8 } from "./bytes.ts";
import { WireError } from "./error.ts";

/** RFC 8785 canonical JSON as UTF-8: the only form in which kubedos signs or hashes JSON. */
export function canonicalJson(value: unknown): Uint8Array {
  const text = canonicalize(value);
  if (text === undefined) throw new WireError("BAD_VALUE", "this value has no JSON form");
  return utf8(text);
}

/**
 * Foreign JSON bytes → a checked value. `max` bounds the input before it is parsed; the schema must be strict.
 * Throws {@link WireError} `TOO_LARGE` or `BAD_VALUE` (with the path of the first fault).
 */
export function parseJson<T extends z.ZodType>(schema: T, data: Uint8Array, max: number): z.output<T> {
  if (data.length > max) throw new WireError("TOO_LARGE", `JSON of ${data.length} bytes, at most ${max} are allowed`);
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (cause) {
    throw new WireError("BAD_VALUE", "not JSON in UTF-8", { cause });
  }
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new WireError("BAD_VALUE", `${issue?.path.join(".") || "document"}: ${issue?.message ?? "invalid"}`);
}

/**
 * Like {@link parseJson}, and the bytes must be the canonical form of what they say: a signed or hashed document has
 * one encoding, so no second one can carry duplicate keys past a looser parser.
 */
export function parseCanonicalJson<T extends z.ZodType>(schema: T, data: Uint8Array, max: number): z.output<T> {
  const value = parseJson(schema, data, max);
  const again = canonicalJson(JSON.parse(new TextDecoder().decode(data)));
  if (Buffer.compare(again, data) !== 0) throw new WireError("BAD_VALUE", "JSON is not in its canonical form");
  return value;
}
