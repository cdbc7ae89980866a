import { utf8 } from "../../proto/wire/bytes.ts";
import { PeError } from "../pe/error.ts";
import { parsePe, type PeImage, type PeSection } from "../pe/parse.ts";
import { mergeSbat } from "./sbat.ts";

/** What a UKI is made of: file contents, as they are measured. */
export interface UkiParts {
  /** systemd's linuxx64.efi.stub. */
  readonly stub: Uint8Array;
  readonly osrel: Uint8Array;
  readonly cmdline: Uint8Array;
  readonly uname: Uint8Array;
  readonly initrd: Uint8Array;
  /** PEM of the key that approves PCR policies (UAPI.5 `.pcrpkey`). */
  readonly pcrpkey?: Uint8Array;
  /** A bzImage with EFI stub. */
  readonly linux: Uint8Array;
}

interface Added {
  readonly name: string;
  readonly data: Uint8Array;
  readonly characteristics: number;
}

const SECTION_HEADER_BYTES = 40;
const UKI_SBAT = `sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md
uki,1,UKI,uki,1,https://uapi-group.org/specifications/specs/unified_kernel_image/
`;
/** IMAGE_SCN_CNT_CODE | MEM_READ (the stub runs a copy), and IMAGE_SCN_CNT_INITIALIZED_DATA | MEM_READ. */
const CODE = 0x4000_0020;
const DATA = 0x4000_0040;

/**
 * Appends the parts to the stub as PE sections: a unified kernel image (UAPI.5). A function of its inputs alone,
 * and the same bytes as ukify 257 makes. Throws {@link PeError}.
 */
export function assembleUki(parts: UkiParts): Uint8Array {
  const stub = parsePe(parts.stub);
  if (stub.certificates.size !== 0) throw new PeError("SIGNED", "the stub is signed already");
  const kernel = parsePe(parts.linux);
  const added = [
    { name: ".osrel", data: parts.osrel, characteristics: DATA },
    { name: ".cmdline", data: parts.cmdline, characteristics: DATA },
    { name: ".uname", data: parts.uname, characteristics: DATA },
    ...(parts.pcrpkey === undefined ? [] : [{ name: ".pcrpkey", data: parts.pcrpkey, characteristics: DATA }]),
    { name: ".linux", data: parts.linux, characteristics: CODE },
    { name: ".initrd", data: parts.initrd, characteristics: DATA },
  ];
  for (const { name } of added) if (stub.sections.some((s) => s.name === name)) throw new PeError("BAD_SECTION", `the stub has a section ${name} already`);
  return build(stub, added, sbatOf(stub, kernel));
}

/** A UKI that isn't signed yet, with its approvals of PCR 11 (UAPI.5 `.pcrsig`) as its last section. Throws {@link PeError}. */
export function addPcrSignatures(uki: Uint8Array, signatures: Uint8Array): Uint8Array {
  const image = parsePe(uki);
  if (image.certificates.size !== 0) throw new PeError("SIGNED", "the UKI is signed already");
  if (image.sections.some((s) => s.name === ".pcrsig")) throw new PeError("BAD_SECTION", "the UKI has a section .pcrsig already");
  return build(image, [{ name: ".pcrsig", data: signatures, characteristics: DATA }], null);
}

/** So that a revocation reaches the stub, the kernel and the form itself (UAPI.5 "SBAT"). */
function sbatOf(stub: PeImage, kernel: PeImage): Uint8Array {
  const find = (image: PeImage) => image.sections.find((s) => s.name === ".sbat")?.data;
  return mergeSbat([find(stub), find(kernel), utf8(UKI_SBAT)].filter((table) => table !== undefined));
}

function build(stub: PeImage, added: readonly Added[], sbat: Uint8Array | null): Uint8Array {
  const tableEnd = stub.sectionTableOffset + stub.sections.length * SECTION_HEADER_BYTES;
  if (tableEnd + added.length * SECTION_HEADER_BYTES > stub.sizeOfHeaders) {
    throw new PeError("NO_SPACE", `the stub's headers have no space for ${added.length} more sections`);
  }
  const placed = place(stub, added);
  const last = placed.at(-1)?.header ?? lastOf(stub);
  const file = new Uint8Array(last.rawOffset + last.rawSize);
  file.set(stub.file);
  const view = new DataView(file.buffer);
  if (sbat !== null) placeSbat(stub, sbat, file, view);
  placed.forEach(({ header, data }, i) => {
    writeHeader(view, tableEnd + i * SECTION_HEADER_BYTES, header);
    file.set(data, header.rawOffset);
  });
  view.setUint16(stub.coffOffset + 2, stub.sections.length + added.length, true);
  view.setUint32(stub.optionalOffset + 56, roundUp(last.virtualAddress + last.virtualSize, stub.sectionAlignment), true);
  const initialised = stub.optionalOffset + 8;
  view.setUint32(initialised, added.reduce((sum, { data }) => sum + data.length, view.getUint32(initialised, true)), true);
  // The signer sums the finished file.
  view.setUint32(stub.checksumOffset, 0, true);
  parsePe(file);
  return file;
}

function place(stub: PeImage, added: readonly Added[]): { header: Omit<PeSection, "data">; data: Uint8Array }[] {
  let virtualAddress = stub.sections.reduce((end, s) => Math.max(end, s.virtualAddress + s.virtualSize), 0);
  let rawOffset = stub.file.length;
  return added.map(({ name, data, characteristics }) => {
    virtualAddress = roundUp(virtualAddress, stub.sectionAlignment);
    rawOffset = roundUp(rawOffset, stub.fileAlignment);
    // Exactly the content's size: the stub measures that many bytes, without the padding of the file.
    const header = { name, virtualSize: data.length, virtualAddress, rawSize: roundUp(data.length, stub.fileAlignment), rawOffset, characteristics };
    virtualAddress += data.length;
    rawOffset += header.rawSize;
    return { header, data };
  });
}

/** The stub's own `.sbat` is rewritten where it stands: its section is padded to the file alignment, so there is space. */
function placeSbat(stub: PeImage, sbat: Uint8Array, file: Uint8Array, view: DataView): void {
  const i = stub.sections.findIndex((s) => s.name === ".sbat");
  const section = stub.sections[i];
  if (section === undefined) throw new PeError("BAD_SECTION", "the stub has no .sbat");
  const next = Math.min(...stub.sections.filter((s) => s.virtualAddress > section.virtualAddress).map((s) => s.virtualAddress), Number.POSITIVE_INFINITY);
  if (sbat.length > section.rawSize || section.virtualAddress + sbat.length > next) {
    throw new PeError("NO_SPACE", `the merged .sbat of ${sbat.length} bytes doesn't fit the stub's section of ${section.rawSize}`);
  }
  file.fill(0, section.rawOffset, section.rawOffset + section.rawSize);
  file.set(sbat, section.rawOffset);
  view.setUint32(stub.sectionTableOffset + i * SECTION_HEADER_BYTES + 8, sbat.length, true);
}

function writeHeader(view: DataView, at: number, s: Omit<PeSection, "data">): void {
  for (let i = 0; i < 8; i++) view.setUint8(at + i, s.name.charCodeAt(i) || 0);
  view.setUint32(at + 8, s.virtualSize, true);
  view.setUint32(at + 12, s.virtualAddress, true);
  view.setUint32(at + 16, s.rawSize, true);
  view.setUint32(at + 20, s.rawOffset, true);
  view.setUint32(at + 36, s.characteristics, true);
}

function lastOf(stub: PeImage): PeSection {
  const last = [...stub.sections].sort((a, b) => a.rawOffset - b.rawOffset).at(-1);
  if (last === undefined) throw new PeError("BAD_SECTION", "the stub has no sections");
  return last;
}

function roundUp(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}
