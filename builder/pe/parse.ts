import { WireError } from "../../proto/wire/error.ts";
import { ByteReader } from "../../proto/wire/reader.ts";
import { PeError } from "./error.ts";

/** One section header (PE format, "Section Table") and its bytes. Offsets and sizes in bytes. */
export interface PeSection {
  readonly name: string;
  readonly virtualSize: number;
  readonly virtualAddress: number;
  readonly rawSize: number;
  readonly rawOffset: number;
  readonly characteristics: number;
  /** What a loader maps: the smaller of virtual and raw size, as systemd-stub measures it; a view on the file. */
  readonly data: Uint8Array;
}

/** A parsed PE32+ image. The offsets are those of fields that Authenticode leaves out or that assembling rewrites. */
export interface PeImage {
  readonly file: Uint8Array;
  readonly sections: readonly PeSection[];
  readonly coffOffset: number;
  readonly optionalOffset: number;
  readonly sectionTableOffset: number;
  readonly checksumOffset: number;
  readonly securityEntryOffset: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  readonly sizeOfImage: number;
  readonly sizeOfHeaders: number;
  /** Attribute certificate table; zero size when the file isn't signed. It is always the end of the file. */
  readonly certificates: { readonly offset: number; readonly size: number };
}

const MAX_PE_BYTES = 2 ** 30;
const MAX_SECTIONS = 96;
/** 16-bit machine type of x86-64, and the magic of PE32+. */
const AMD64 = 0x8664;
const PE32_PLUS = 0x20b;
/** Index of "Certificate Table" in the data directories; its address is a file offset. */
const SECURITY = 4;
/** Offset of CheckSum and of the data directories in the optional header of PE32+. */
const CHECKSUM_AT = 64;
const DIRECTORIES_AT = 112;

/**
 * PE32+ file → headers and sections. Strict, because firmware, shim and signers read odd files differently: sections lie
 * behind the headers, inside the file and apart from each other, and nothing but certificates stands behind them.
 * Throws {@link PeError}.
 */
export function parsePe(file: Uint8Array): PeImage {
  if (file.length > MAX_PE_BYTES) throw new PeError("BAD_LAYOUT", `image of ${file.length} bytes, at most ${MAX_PE_BYTES} are read`);
  try {
    return parse(file);
  } catch (cause) {
    if (cause instanceof WireError) throw new PeError("TRUNCATED", "the image ends inside its headers", { cause });
    throw cause;
  }
}

function parse(file: Uint8Array): PeImage {
  const dos = new ByteReader(file);
  if (dos.u16le() !== 0x5a4d) throw new PeError("NOT_PE", "no MZ at the start");
  dos.bytes(58);
  const peOffset = dos.u32le();
  const r = new ByteReader(file);
  r.bytes(peOffset);
  if (r.u32le() !== 0x4550) throw new PeError("NOT_PE", "no PE signature");
  const coffOffset = r.offset;
  if (r.u16le() !== AMD64) throw new PeError("NOT_PE", "not for x86-64");
  const count = r.u16le();
  r.bytes(12);
  const optionalSize = r.u16le();
  r.u16le();
  const optionalOffset = r.offset;
  const sectionTableOffset = optionalOffset + optionalSize;
  const optional = parseOptional(r.bytes(optionalSize), file.length);
  if (count === 0 || count > MAX_SECTIONS) throw new PeError("BAD_SECTION", `${count} sections, 1 to ${MAX_SECTIONS} are allowed`);
  const sections = Array.from({ length: count }, () => parseSection(r, file));
  if (r.offset > optional.sizeOfHeaders) throw new PeError("BAD_LAYOUT", "the section table is longer than the headers");
  const image = {
    file,
    sections,
    coffOffset,
    optionalOffset,
    sectionTableOffset,
    checksumOffset: optionalOffset + CHECKSUM_AT,
    securityEntryOffset: optionalOffset + DIRECTORIES_AT + SECURITY * 8,
    ...optional,
  };
  checkLayout(image);
  return image;
}

function parseOptional(header: Uint8Array, fileSize: number) {
  const r = new ByteReader(header);
  if (r.u16le() !== PE32_PLUS) throw new PeError("NOT_PE", "not PE32+");
  r.bytes(30);
  const sectionAlignment = r.u32le();
  const fileAlignment = r.u32le();
  r.bytes(16);
  const sizeOfImage = r.u32le();
  const sizeOfHeaders = r.u32le();
  r.bytes(DIRECTORIES_AT - r.offset - 4);
  const directories = r.u32le();
  if (directories <= SECURITY || directories > 16) throw new PeError("NOT_PE", `${directories} data directories`);
  r.bytes(SECURITY * 8);
  const certificates = { offset: r.u32le(), size: r.u32le() };
  if (!isPowerOfTwo(fileAlignment) || !isPowerOfTwo(sectionAlignment) || fileAlignment > sectionAlignment) {
    throw new PeError("BAD_LAYOUT", `file alignment ${fileAlignment}, section alignment ${sectionAlignment}`);
  }
  if (sizeOfHeaders > fileSize) throw new PeError("TRUNCATED", "the headers are longer than the file");
  return { sectionAlignment, fileAlignment, sizeOfImage, sizeOfHeaders, certificates };
}

function parseSection(r: ByteReader, file: Uint8Array): PeSection {
  const name = sectionName(r.bytes(8));
  const [virtualSize, virtualAddress, rawSize, rawOffset] = [r.u32le(), r.u32le(), r.u32le(), r.u32le()];
  r.bytes(12);
  const characteristics = r.u32le();
  if (rawOffset + rawSize > file.length) throw new PeError("TRUNCATED", `section ${name} ends behind the end of the file`);
  const data = file.subarray(rawOffset, rawOffset + Math.min(rawSize, virtualSize));
  return { name, virtualSize, virtualAddress, rawSize, rawOffset, characteristics, data };
}

function sectionName(field: Uint8Array): string {
  const text = Buffer.from(field).toString("latin1").replace(/\0+$/, "");
  if (!/^[\x21-\x7e]{1,8}$/.test(text)) throw new PeError("BAD_SECTION", "a section's name is not printable ASCII");
  return text;
}

function checkLayout(image: PeImage): void {
  let end = image.sizeOfHeaders;
  for (const s of [...image.sections].sort((a, b) => a.rawOffset - b.rawOffset)) {
    if (s.rawSize === 0) continue;
    if (s.rawOffset < end) throw new PeError("BAD_LAYOUT", `section ${s.name} overlaps what stands before it in the file`);
    end = s.rawOffset + s.rawSize;
  }
  let address = image.sizeOfHeaders;
  for (const s of [...image.sections].sort((a, b) => a.virtualAddress - b.virtualAddress)) {
    if (s.virtualAddress < address) throw new PeError("BAD_LAYOUT", `section ${s.name} overlaps what stands before it in memory`);
    address = s.virtualAddress + s.virtualSize;
  }
  if (address > image.sizeOfImage) throw new PeError("BAD_LAYOUT", "the sections are larger than SizeOfImage");
  const { offset, size } = image.certificates;
  const signed = offset !== 0 || size !== 0;
  if (signed && (size === 0 || offset % 8 !== 0 || offset < end || offset + size !== image.file.length)) {
    throw new PeError("BAD_LAYOUT", "the certificates are not the end of the file");
  }
}

function isPowerOfTwo(n: number): boolean {
  return n >= 16 && n <= 65536 && (n & (n - 1)) === 0;
}
