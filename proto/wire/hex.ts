import { WireError } from "./error.ts";

/** Lower-case hexadecimal text of `data`. */
export function toHex(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");
}

/** Bytes of lower- or upper-case hexadecimal text. Throws {@link WireError} `BAD_VALUE` on anything else. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new WireError("BAD_VALUE", "not hexadecimal text");
  return new Uint8Array(Buffer.from(text, "hex"));
}
