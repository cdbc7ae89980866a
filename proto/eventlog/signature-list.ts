import { X509Certificate } from "node:crypto";
import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { readGuid } from "./guid.ts";
import { printable } from "./printable.ts";

const X509_GUID = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
const SHA256_GUID = "c1c41626-504c-4092-aca9-41f936934328";
const SHA256_BYTES = 32;
const OWNER_BYTES = 16;
const LIST_HEADER_BYTES = 28;

/** What PK, KEK, db or dbx holds. */
export interface SignatureListContents {
  /** Subjects of the certificates, safe to show. */
  readonly certificates: readonly string[];
  /** Entries that aren't certificates: hashes of images. */
  readonly hashes: number;
}

/** One EFI_SIGNATURE_DATA; views on the input. */
export interface SignatureEntry {
  readonly kind: "certificate" | "sha256" | "other";
  /** Owner's GUID and body together, as an authority event repeats it. */
  readonly whole: Uint8Array;
}

/** What an entry holds without its owner: certificate (DER) or hash. */
export function bodyOf({ whole }: SignatureEntry): Uint8Array {
  return whole.subarray(OWNER_BYTES);
}

/** The entries of EFI_SIGNATURE_LISTs, summed up for people. Throws WireError. */
export function parseSignatureLists(data: Uint8Array): SignatureListContents {
  const entries = signatureEntries(data);
  const certificates = entries.filter((e) => e.kind === "certificate").map((e) => certificateSubject(bodyOf(e)));
  return { certificates, hashes: entries.length - certificates.length };
}

/** The entries, one by one, of what {@link signatureLists} reads. Throws WireError. */
export function signatureEntries(data: Uint8Array): readonly SignatureEntry[] {
  return signatureLists(data).flatMap(({ kind, entrySize, block }) =>
    Array.from({ length: block.length / entrySize }, (_, i) => ({ kind, whole: block.subarray(i * entrySize, (i + 1) * entrySize) })),
  );
}

/** One EFI_SIGNATURE_LIST: entries of one kind and size, one after the other. */
export interface SignatureList {
  readonly kind: SignatureEntry["kind"];
  readonly entrySize: number;
  readonly block: Uint8Array;
}

/** EFI_SIGNATURE_LISTs one after the other (UEFI 2.10, 32.4.1; little-endian). Throws WireError. */
export function signatureLists(data: Uint8Array): readonly SignatureList[] {
  const r = new ByteReader(data);
  const lists: SignatureList[] = [];
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
    lists.push({ kind: kindOf(type, entrySize - OWNER_BYTES), entrySize, block: r.bytes(body) });
  }
  return lists;
}

function kindOf(type: string, bytes: number): SignatureEntry["kind"] {
  if (type === X509_GUID) return "certificate";
  return type === SHA256_GUID && bytes === SHA256_BYTES ? "sha256" : "other";
}

/** Subject of a DER certificate on one line, safe to show; a word for bytes that aren't one. */
export function certificateSubject(der: Uint8Array): string {
  try {
    return printable(new X509Certificate(der).subject.replaceAll("\n", ", "));
  } catch {
    return "unreadable certificate";
  }
}
