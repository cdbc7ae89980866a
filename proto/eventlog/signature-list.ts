import { X509Certificate } from "node:crypto";
import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { readGuid } from "./guid.ts";
import { printable } from "./printable.ts";

const X509_GUID = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
const OWNER_BYTES = 16;
const LIST_HEADER_BYTES = 28;

/** What PK, KEK, db or dbx holds. */
export interface SignatureListContents {
  /** Subjects of the certificates, safe to show. */
  readonly certificates: readonly string[];
  /** Entries that aren't certificates: hashes of images. */
  readonly hashes: number;
}

/** EFI_SIGNATURE_LISTs one after the other (UEFI 2.10, 32.4.1; little-endian). Throws WireError. */
export function parseSignatureLists(data: Uint8Array): SignatureListContents {
  const r = new ByteReader(data);
  const certificates: string[] = [];
  let hashes = 0;
  while (r.left > 0) {
    const type = readGuid(r);
    const listSize = r.u32le();
    const headerSize = r.u32le();
    const entrySize = r.u32le();
    const body = listSize - LIST_HEADER_BYTES - headerSize;
    if (body < 0 || entrySize <= OWNER_BYTES || body % entrySize !== 0) {
      throw new WireError("BAD_VALUE", "the sizes in a signature list contradict each other");
    }
    r.bytes(headerSize);
    for (let n = body / entrySize; n > 0; n--) {
      const entry = r.bytes(entrySize).subarray(OWNER_BYTES);
      if (type === X509_GUID) certificates.push(certificateSubject(entry));
      else hashes++;
    }
  }
  return { certificates, hashes };
}

/** Subject of a DER certificate on one line, safe to show; a word for bytes that aren't one. */
export function certificateSubject(der: Uint8Array): string {
  try {
    return printable(new X509Certificate(der).subject.replaceAll("\n", ", "));
  } catch {
    return "unreadable certificate";
  }
}
