import { zstdDecompressSync } from "node:zlib";
import { sha256 } from "../../proto/wire/bytes.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { type CpioFile, readCpio } from "../initrd/read-cpio.ts";
import { parsePe, type PeSection } from "../pe/parse.ts";
import { type Content, type Contents, fileContent } from "./content.ts";
import { SbomError } from "./error.ts";

/** A part of the boot image: its bytes and where they come from. */
export interface BootPart {
  /** `uki.efi/.linux`, `uki.efi/.initrd/init` and so on. */
  readonly path: string;
  readonly content: Content & { readonly kind: "file" };
  readonly from: string;
  /** The package of the lock that holds exactly these bytes. */
  readonly package?: string;
}

/** A signed boot image, and all that may be in it. */
export interface UkiFacts {
  readonly uki: Uint8Array;
  /** systemd's stub as its package holds it; the file itself, because its sections stand in the UKI one by one. */
  readonly stub: Uint8Array;
  readonly stubPackage: string;
  /** What the kernel's package holds. */
  readonly kernel: Contents;
  readonly kernelPackage: string;
  /** For people: what init was compiled with. */
  readonly compiler: string;
}

const STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
const MAX_INITRD_BYTES = 256 * 1024 * 1024;
/** What else is in an initrd, beside files. */
const OTHERS: Readonly<Record<string, string>> = { dev: "folder", modules: "folder", "dev/console": "device" };
/** Sections that we write, and where what is in them comes from; kernel and initrd are looked into. */
const WRITTEN: Readonly<Record<string, string>> = {
  ".osrel": "builder/release/sealed-text.ts",
  ".cmdline": "builder/release/sealed-text.ts; it holds the root hash",
  ".uname": "the kernel's release",
  ".sbat": "the tables of stub, kernel and UKI, merged",
  ".pcrpkey": "the cluster's key for PCR policies",
  ".pcrsig": "the signed policies for PCR 11",
};

/**
 * Looks into a finished UKI: every section is the stub's, the kernel's, one of ours, and every file of its initrd is init, a word of ours or a module of
 * the kernel's package. Throws SbomError `UKI_UNEXPLAINED`, PeError or WireError.
 */
export function explainUki(facts: UkiFacts): readonly BootPart[] {
  const stub = parsePe(facts.stub).sections;
  const parts: BootPart[] = [{ path: "uki.efi/stub", content: fileContent(facts.stub), from: `${STUB} of ${facts.stubPackage}`, package: facts.stubPackage }];
  const { sections } = parsePe(facts.uki);
  // Which of two counts is up to who reads them.
  const twice = sections.find((s, i) => sections.findIndex((other) => other.name === s.name) !== i);
  if (twice !== undefined) throw new SbomError("UKI_UNEXPLAINED", `the UKI has a section ${twice.name} twice`);
  for (const section of sections) parts.push(...explainSection(section, stub, facts));
  return parts;
}

function explainSection(section: PeSection, stub: readonly PeSection[], facts: UkiFacts): readonly BootPart[] {
  const { name, data } = section;
  const path = `uki.efi/${name}`;
  const written = WRITTEN[name];
  if (written !== undefined) return [{ path, content: fileContent(data), from: written }];
  if (name === ".linux") return [explainKernel(path, data, facts)];
  if (name === ".initrd") return unpackInitrd(data).map((file) => explainInitrdFile(`${path}/${file.path}`, file, facts));
  const same = stub.find((s) => s.name === name);
  if (same !== undefined && Buffer.compare(same.data, data) === 0) return [];
  throw new SbomError("UKI_UNEXPLAINED", `section ${name} of the UKI is not the stub's and none of ours`);
}

function explainKernel(path: string, data: Uint8Array, { kernel, kernelPackage }: UkiFacts): BootPart {
  const content = fileContent(data);
  const from = [...kernel].find(([name, c]) => name.startsWith("/boot/vmlinuz-") && c.kind === "file" && c.sha256 === content.sha256);
  if (from === undefined) throw new SbomError("UKI_UNEXPLAINED", `the kernel in the UKI is not that of package ${kernelPackage}`);
  return { path, content, from: `${from[0]} of ${kernelPackage}`, package: kernelPackage };
}

function unpackInitrd(data: Uint8Array): readonly CpioFile[] {
  const { bytes, used } = unzstd(data);
  // The kernel would unpack what comes behind.
  if (used !== data.length) throw new SbomError("UKI_UNEXPLAINED", `${data.length - used} bytes stand behind the initrd in its section`);
  const entries = readCpio(bytes);
  const odd = entries.find(({ path, mode }) => typeOf(mode) !== "file" && OTHERS[path] !== typeOf(mode));
  if (odd !== undefined) throw new SbomError("UKI_UNEXPLAINED", `${odd.path} in the initrd is no file, and none of the folders and devices that we make`);
  return entries.filter(({ mode }) => typeOf(mode) === "file");
}

/** The first frame, and how long it was. */
function unzstd(data: Uint8Array): { readonly bytes: Uint8Array; readonly used: number } {
  try {
    // With `info`, zlib gives its engine beside the bytes; the type of the function doesn't say so.
    const { buffer, engine } = zstdDecompressSync(data, { maxOutputLength: MAX_INITRD_BYTES, info: true }) as unknown as { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };
    return { bytes: buffer, used: engine.bytesWritten };
  } catch (cause) {
    throw new SbomError("UKI_UNEXPLAINED", `the initrd in the UKI can't be unpacked: ${errorChain(cause)}`, "", { cause });
  }
}

function typeOf(mode: number): string {
  return { 0o100000: "file", 0o040000: "folder", 0o020000: "device" }[mode & 0o170000] ?? "other";
}

function explainInitrdFile(path: string, file: CpioFile, { kernel, kernelPackage, compiler, uki }: UkiFacts): BootPart {
  const content = fileContent(file.data);
  if (file.path === "init") return { path, content, from: `builder/initrd/init.c, compiled by ${compiler}` };
  if (file.path === "cmdline") {
    const sealed = parsePe(uki).sections.find((s) => s.name === ".cmdline")?.data ?? new Uint8Array();
    if (Buffer.compare(sealed, file.data) === 0) return { path, content, from: "the command line, once more" };
  }
  if (file.path === "verity") return { path, content, from: "the root file system's size and salt" };
  if (file.path === "modules/list") return { path, content, from: "the order of the modules" };
  const name = `/${file.path.slice("modules/".length)}`;
  const digest = toHex(sha256(file.data));
  const module = [...kernel].find(([at, c]) => at.endsWith(name) && c.kind === "file" && c.sha256 === digest);
  if (!file.path.startsWith("modules/") || module === undefined) throw new SbomError("UKI_UNEXPLAINED", `${file.path} in the initrd is none of our files and no module of package ${kernelPackage}`);
  return { path, content, from: `${module[0]} of ${kernelPackage}`, package: kernelPackage };
}
