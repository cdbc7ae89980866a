import { ByteReader } from "../../proto/wire/reader.ts";
import { WireError } from "../../proto/wire/error.ts";

/** Bounds of a structure table. QEMU's has about 1 KB; the strings of type 11 are the hypervisor's to write. */
export const SMBIOS_LIMITS = { table: 64 * 1024, structures: 512, stringBytes: 2048, strings: 255 } as const;

const OEM_STRINGS = 11;
const END_OF_TABLE = 127;
const HEADER_BYTES = 4;

/**
 * The strings of all type 11 structures (DMTF DSP0134 3.x §6.1, §7.12; little-endian), in the table's order. What follows
 * the end-of-table structure is padding. The hypervisor's owner writes every byte of this. Throws WireError.
 */
export function readOemStrings(table: Uint8Array): readonly string[] {
  if (table.length > SMBIOS_LIMITS.table) {
    throw new WireError("TOO_LARGE", `SMBIOS table of ${table.length} bytes, at most ${SMBIOS_LIMITS.table} are allowed`);
  }
  const r = new ByteReader(table);
  const found: string[] = [];
  for (let n = 0; r.left > 0; n++) {
    if (n === SMBIOS_LIMITS.structures) throw new WireError("TOO_LARGE", `more than ${n} SMBIOS structures`);
    const type = r.u8();
    const length = r.u8();
    if (length < HEADER_BYTES) throw new WireError("BAD_VALUE", `SMBIOS structure with a length of ${length} bytes`);
    r.u16le(); // handle
    const formatted = new ByteReader(r.bytes(length - HEADER_BYTES));
    const strings = readStringSet(r);
    if (type === END_OF_TABLE) return found;
    if (type !== OEM_STRINGS) continue;
    if (formatted.u8() !== strings.length) throw new WireError("BAD_VALUE", "a type 11 structure miscounts its strings");
    found.push(...strings);
  }
  throw new WireError("TRUNCATED", "SMBIOS table without an end");
}

/** Strings, each ended by NUL, the set by one more; an empty set is two NULs (§6.1.3). */
function readStringSet(r: ByteReader): readonly string[] {
  const strings: string[] = [];
  for (;;) {
    const text = readString(r);
    if (text === "") {
      if (strings.length === 0 && r.u8() !== 0) throw new WireError("BAD_VALUE", "an empty SMBIOS string set must end in two NULs");
      return strings;
    }
    if (strings.length === SMBIOS_LIMITS.strings) throw new WireError("TOO_LARGE", "too many strings in one SMBIOS structure");
    strings.push(text);
  }
}

function readString(r: ByteReader): string {
  const start = r.offset;
  for (;;) {
    if (r.u8() !== 0) {
      if (r.offset - start > SMBIOS_LIMITS.stringBytes) throw new WireError("TOO_LARGE", "an SMBIOS string is too long");
      continue;
    }
    const bytes = r.since(start);
    return new TextDecoder("latin1").decode(bytes.subarray(0, bytes.length - 1));
  }
}
