import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { printableUtf16 } from "./printable.ts";

const MEDIA = 0x04;
const FILE_PATH = 0x04;
const END = 0x7f;
const NODE_HEADER_BYTES = 4;

/**
 * The file names in an EFI device path (UEFI 2.10, 10.3), joined; "" where it names no file (a ROM, a network). Safe to
 * show. Throws WireError.
 */
export function devicePathFile(path: Uint8Array): string {
  const r = new ByteReader(path);
  let file = "";
  while (r.left > 0) {
    const type = r.u8();
    const subtype = r.u8();
    const length = r.u16le();
    if (length < NODE_HEADER_BYTES) throw new WireError("BAD_VALUE", "a device path node is shorter than its header");
    const body = r.bytes(length - NODE_HEADER_BYTES);
    if (type === END) return file;
    if (type === MEDIA && subtype === FILE_PATH) file += printableUtf16(body);
  }
  return file;
}
