import { WireError } from "./error.ts";

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}

/** Strict inverse: one text has one meaning, so anything that doesn't encode back to itself is refused (`BAD_VALUE`). */
export function fromBase64(text: string): Uint8Array {
  const data = Buffer.from(text, "base64");
  if (data.toString("base64") !== text) throw new WireError("BAD_VALUE", "not standard base64 with padding");
  return new Uint8Array(data);
}
