import { ByteReader } from "../wire/reader.ts";
import { equalBytes, sha256 } from "../wire/bytes.ts";
import { devicePathFile } from "./device-path.ts";
import type { LoggedEvent } from "./event-log.ts";
import { EVENT_TYPE } from "./event-type.ts";
import { readGuid } from "./guid.ts";
import { printable, printableText, printableUtf16 } from "./printable.ts";
import { certificateSubject, parseSignatureLists } from "./signature-list.ts";
import { parseUefiVariable } from "./uefi-variable.ts";
import type { UefiVariable } from "./uefi-variable.ts";
import { describeUkiSection } from "./uki-section.ts";

const OWNER_BYTES = 16;

/**
 * One event in words for people, safe to show. It repeats what the log says; only where the SHA-256 digest covers the data
 * is that what the machine did, and the text says so where it isn't. Never throws: data that its type doesn't fit is named by its size.
 *
 * @param digest the event's SHA-256 digest; null where the log has no such bank, and then nothing is said of it
 */
export function describeEvent(event: LoggedEvent, digest: Uint8Array | null): string {
  try {
    const text = describers[event.type]?.(event, digest) ?? `${event.typeName} of ${event.data.length} bytes`;
    return isForged(event, digest) ? `${text} (says the log; something else was measured)` : text;
  } catch {
    return `${event.typeName} with ${event.data.length} bytes in a form of their own`;
  }
}

/** Types whose digest is that of their data (10.4.1); elsewhere the data is a label. */
const MEASURED_DATA: ReadonlySet<number> = new Set([
  EVENT_TYPE.EV_SEPARATOR,
  EVENT_TYPE.EV_EFI_ACTION,
  EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG,
  EVENT_TYPE.EV_EFI_VARIABLE_AUTHORITY,
  EVENT_TYPE.EV_EFI_GPT_EVENT,
]);

function isForged(event: LoggedEvent, digest: Uint8Array | null): boolean {
  return digest !== null && MEASURED_DATA.has(event.type) && !equalBytes(sha256(event.data), digest);
}

type Describe = (event: LoggedEvent, digest: Uint8Array | null) => string;

const describers: Readonly<Record<number, Describe>> = {
  [EVENT_TYPE.EV_NO_ACTION]: (e) => `information "${printableText(e.data.subarray(0, 16))}", not measured`,
  [EVENT_TYPE.EV_SEPARATOR]: describeSeparator,
  [EVENT_TYPE.EV_ACTION]: (e) => `action "${printableText(e.data)}"`,
  [EVENT_TYPE.EV_EFI_ACTION]: (e) => `action "${printableText(e.data)}"`,
  [EVENT_TYPE.EV_POST_CODE]: (e) => `firmware code "${printableText(e.data)}"`,
  [EVENT_TYPE.EV_POST_CODE2]: (e) => describeBlob(e),
  [EVENT_TYPE.EV_S_CRTM_VERSION]: (e) => `firmware version "${printableText(e.data)}"`,
  [EVENT_TYPE.EV_PLATFORM_CONFIG_FLAGS]: (e) => `platform configuration "${printableText(e.data)}"`,
  [EVENT_TYPE.EV_EVENT_TAG]: describeTag,
  [EVENT_TYPE.EV_IPL]: describeIpl,
  [EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG]: (e) => describeVariable(parseUefiVariable(e.data)),
  [EVENT_TYPE.EV_EFI_VARIABLE_BOOT]: (e) => describeVariable(parseUefiVariable(e.data)),
  [EVENT_TYPE.EV_EFI_VARIABLE_BOOT2]: (e) => describeVariable(parseUefiVariable(e.data)),
  [EVENT_TYPE.EV_EFI_VARIABLE_AUTHORITY]: describeAuthority,
  [EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION]: (e) => `boot application ${describeImage(e)}`,
  [EVENT_TYPE.EV_EFI_BOOT_SERVICES_DRIVER]: (e) => `boot driver ${describeImage(e)}`,
  [EVENT_TYPE.EV_EFI_RUNTIME_SERVICES_DRIVER]: (e) => `runtime driver ${describeImage(e)}`,
  [EVENT_TYPE.EV_EFI_GPT_EVENT]: describeGpt,
  [EVENT_TYPE.EV_EFI_PLATFORM_FIRMWARE_BLOB]: (e) => describeVolume(new ByteReader(e.data), ""),
  [EVENT_TYPE.EV_EFI_PLATFORM_FIRMWARE_BLOB2]: (e) => describeBlob(e),
};

function describeSeparator(event: LoggedEvent): string {
  const r = new ByteReader(event.data);
  const value = r.u32le();
  r.end();
  if (value === 0) return "separator";
  return value === 0xffffffff ? "separator: the firmware reports an error" : `separator of value 0x${value.toString(16)}`;
}

function describeTag(event: LoggedEvent): string {
  const r = new ByteReader(event.data);
  const id = r.u32le();
  const text = printableText(r.bytes(r.u32le()));
  r.end();
  if (text === "LOADED_IMAGE::LoadOptions") return "kernel command line, as the kernel's stub got it";
  if (text === "Linux initrd") return "initrd, as the kernel's stub got it";
  return `tagged event 0x${id.toString(16)} "${text}"`;
}

/** systemd-stub writes section names to PCR 11, and what was passed in from outside to PCR 12 and 13; GRUB writes commands to 8. */
function describeIpl(event: LoggedEvent, digest: Uint8Array | null): string {
  const text = printableText(event.data);
  if (event.pcr === 11) return describeUkiSection(text, digest);
  const measured = digest !== null && equalBytes(sha256(event.data), digest);
  return measured ? `boot loader text "${text}"` : `boot loader item "${text}"`;
}

function describeVariable(variable: UefiVariable): string {
  const label = `UEFI variable ${printable(variable.name)}`;
  if (variable.name === "SecureBoot") return `${label}: ${variable.data.length === 1 && variable.data[0] === 1 ? "on" : "off"}`;
  if (["PK", "KEK", "db", "dbx", "dbt", "dbr"].includes(variable.name)) return `${label}: ${describeKeys(variable.data)}`;
  if (/^Boot[0-9A-F]{4}$/.test(variable.name)) return `${label}: "${describeLoadOption(variable.data)}"`;
  return `${label} of ${variable.data.length} bytes`;
}

function describeKeys(data: Uint8Array): string {
  const { certificates, hashes } = parseSignatureLists(data);
  const parts = certificates.map((subject) => `certificate ${subject}`);
  if (hashes > 0) parts.push(hashes === 1 ? "1 hash" : `${hashes} hashes`);
  return parts.length === 0 ? "empty" : parts.join("; ");
}

/** EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): attributes, length of the path list, description. */
function describeLoadOption(data: Uint8Array): string {
  const r = new ByteReader(data);
  r.u32le();
  r.u16le();
  return printableUtf16(r.bytes(r.left));
}

function describeAuthority(event: LoggedEvent): string {
  const { name, data } = parseUefiVariable(event.data);
  if (name !== "db") return `image allowed by UEFI variable ${printable(name)}`;
  return `image allowed by db: certificate ${certificateSubject(data.subarray(OWNER_BYTES))}`;
}

/** UEFI_IMAGE_LOAD_EVENT (Platform Firmware Profile 1.06, 10.2.3): address, length, link address, device path. The digest is the Authenticode one. */
function describeImage(event: LoggedEvent): string {
  const r = new ByteReader(event.data);
  r.bytes(24);
  const file = devicePathFile(r.bytes(Number(r.u64le())));
  r.end();
  return file === "" ? "that has no file name" : file;
}

/** UEFI_GPT_DATA (10.4.3): EFI_PARTITION_TABLE_HEADER of 92 bytes (disk GUID at 56), u64 number of partitions. */
function describeGpt(event: LoggedEvent): string {
  const r = new ByteReader(event.data);
  r.bytes(56);
  const disk = readGuid(r);
  r.bytes(20);
  const count = r.u64le();
  return `partition table of disk ${disk}, ${count} ${count === 1n ? "partition" : "partitions"}`;
}

/** UEFI_PLATFORM_FIRMWARE_BLOB2 (10.2.5): u8 length, description, then as the first version. */
function describeBlob(event: LoggedEvent): string {
  const r = new ByteReader(event.data);
  const name = printableText(r.bytes(r.u8()));
  return describeVolume(r, ` "${name}"`);
}

function describeVolume(r: ByteReader, name: string): string {
  const base = r.u64le();
  const length = r.u64le();
  r.end();
  return `firmware volume${name} at 0x${base.toString(16)}, ${length} bytes`;
}
