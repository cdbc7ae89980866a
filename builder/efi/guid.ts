import { concatBytes } from "../../proto/wire/bytes.ts";
import { fromHex } from "../../proto/wire/hex.ts";

const GUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;

/** GUID text → 16 bytes; UEFI and GPT store the first three fields little-endian (UEFI Appendix A). Throws RangeError. */
export function guidBytes(text: string): Uint8Array {
  const fields = GUID.exec(text)?.slice(1);
  if (fields === undefined) throw new RangeError(`${JSON.stringify(text)} is no GUID`);
  const [a, b, c, ...rest] = fields.map(fromHex);
  return concatBytes(...[a, b, c].map((field) => field?.reverse() ?? new Uint8Array()), ...rest);
}

/** 16 bytes in the order of the text → GUID text. */
export function guidText(hex: string): string {
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new RangeError("a GUID's text has 32 hexadecimal digits");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
