import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { readGuid } from "./guid.ts";

const MAX_NAME_CHARS = 512;

/** Data of an EV_EFI_VARIABLE_* event. */
export interface UefiVariable {
  readonly guid: string;
  readonly name: string;
  readonly data: Uint8Array;
}

/**
 * UEFI_VARIABLE_DATA (TCG PC Client Platform Firmware Profile 1.06, 10.4.2): GUID, u64 characters of the name, u64 bytes
 * of the data, name in UTF-16LE without NUL, data; little-endian. Throws WireError, also for bytes left over.
 */
export function parseUefiVariable(event: Uint8Array): UefiVariable {
  const r = new ByteReader(event);
  const guid = readGuid(r);
  const chars = r.u64le();
  const bytes = r.u64le();
  if (chars > BigInt(MAX_NAME_CHARS) || bytes > BigInt(event.length)) {
    throw new WireError("TOO_LARGE", "the variable's name or data is longer than its event");
  }
  const name = new TextDecoder("utf-16le").decode(r.bytes(Number(chars) * 2));
  const data = r.bytes(Number(bytes));
  r.end();
  return { guid, name, data };
}
