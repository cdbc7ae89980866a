import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { EFI_GLOBAL_GUID, EFI_IMAGE_SECURITY_GUID } from "../../proto/eventlog/guid.ts";
import { printable } from "../../proto/eventlog/printable.ts";
import { signatureEntries, type SignatureEntry, signatureLists } from "../../proto/eventlog/signature-list.ts";
import { parseUefiVariable, type UefiVariable } from "../../proto/eventlog/uefi-variable.ts";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { NOTHING_MORE } from "./difference.ts";
import type { MeasuredBoot, MeasuredEvent } from "./measured-boot.ts";
import { type Refusal, refuseEvent } from "./refusal.ts";

/** Secure Boot's variables as PCR 7 holds them, each decoded from the bytes that were measured. */
export interface SecureBootState {
  readonly pk: SignedList;
  readonly kek: SignedList;
  readonly db: SignedList;
  readonly dbx: SignedList;
}

/** EFI_SIGNATURE_LISTs that can be read; their entries are only taken apart for a rule. */
export interface SignedList {
  readonly data: Uint8Array;
  /** Number of its event within PCR 7; the separator's where there is none. */
  readonly index: number;
}

const PCR = 7;
const CONFIG_TYPE = "EV_EFI_VARIABLE_DRIVER_CONFIG";
const ON = "01 (on)";
const IN_DB = "an entry of db, behind the separator";

const GLOBAL = (name: string): string => `${EFI_GLOBAL_GUID} ${name}`;
const SECURITY = (name: string): string => `${EFI_IMAGE_SECURITY_GUID} ${name}`;
const SECURE_BOOT = GLOBAL("SecureBoot");
/** One byte each, and what it must be where it is measured (UEFI 2.10, 3.3; 32.3): DeployedMode may be either. */
const MODES: Readonly<Record<string, readonly number[]>> = { [GLOBAL("SetupMode")]: [0], [GLOBAL("AuditMode")]: [0], [GLOBAL("DeployedMode")]: [0, 1] };
const LISTS: readonly string[] = [GLOBAL("PK"), GLOBAL("KEK"), ...["db", "dbx", "dbt", "dbr"].map(SECURITY)];
/** Firmware under a debugger obeys the debugger (Platform Firmware Profile 1.06, 3.3.4.8). */
const DEBUG_MODE = sha256(new TextEncoder().encode("UEFI Debug Mode"));

/**
 * Secure Boot was on, and PCR 7 says how (P10, P25). By each event, in order: variables come before the separator, each once, and their
 * digest is made anew from their data, since neither type nor data is authenticated; SecureBoot is one byte 1, SetupMode and AuditMode are 0
 * where measured; certificates that allowed an image are entries of db, at least one after the separator; nothing else is in PCR 7. Throws
 * Refusal `SECURE_BOOT_OFF`, `SECURE_BOOT_VARIABLE_WRONG` or `SECURE_BOOT_AUTHORITY_WRONG`.
 */
export function checkSecureBoot(boot: MeasuredBoot): SecureBootState {
  const firmware = (boot.get(PCR)?.events ?? []).filter((e) => e.log === "firmware");
  const at = firmware.findIndex((e) => e.event.type === EVENT_TYPE.EV_SEPARATOR);
  const variables = readVariables(firmware, at);
  const on = variables.get(SECURE_BOOT);
  if (on === undefined) throw off({ index: Math.max(at, 0), name: SECURE_BOOT, expected: ON, found: "no such variable" }, "The log doesn't say that Secure Boot was on.");
  if (on.data.length !== 1 || on.data[0] !== 1) throw off({ ...on, name: SECURE_BOOT, expected: ON, found: valueText(on.data) });
  for (const [name, values] of Object.entries(MODES)) {
    const mode = variables.get(name);
    if (mode !== undefined && (mode.data.length !== 1 || !values.includes(mode.data[0] ?? -1))) {
      const expected = values.map((value) => valueText(Uint8Array.of(value))).join(" or ");
      throw off({ ...mode, name, expected, found: valueText(mode.data) }, `The firmware was in a mode in which Secure Boot doesn't bind: ${nameOf(name)}.`);
    }
  }
  const list = (name: string): SignedList => checkLists(variables.get(name) ?? { index: at, found: null, data: new Uint8Array(0) }, name);
  const state = { pk: list(GLOBAL("PK")), kek: list(GLOBAL("KEK")), db: list(SECURITY("db")), dbx: list(SECURITY("dbx")) };
  checkRest(firmware, at, signatureEntries(state.db.data));
  return state;
}

type FirmwareEvent = Extract<MeasuredEvent, { log: "firmware" }>;
/** A variable, and the event that measured it. */
interface MeasuredVariable extends SignedList {
  readonly found: FirmwareEvent | null;
}

function readVariables(firmware: readonly FirmwareEvent[], separator: number): ReadonlyMap<string, MeasuredVariable> {
  const variables = new Map<string, MeasuredVariable>();
  for (const [index, found] of firmware.entries()) {
    const { event, digest } = found;
    if (event.type !== EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG) continue;
    const variable = readVariable(event.data);
    const key = variable === null ? "" : `${variable.guid} ${variable.name}`;
    const wrong = (expected: string, detail: string): Refusal => {
      // What is said of SecureBoot itself decides whether it was on; the code names that.
      const code = key === SECURE_BOOT ? "SECURE_BOOT_OFF" : "SECURE_BOOT_VARIABLE_WRONG";
      return refuseEvent(code, { pcr: PCR, index, area: variableArea(key), expected, found }, detail);
    };
    if (variable === null) throw wrong("UEFI_VARIABLE_DATA", "A variable in PCR 7 can't be read.");
    if (!equalBytes(sha256(event.data), digest)) throw wrong(`${toHex(sha256(event.data))} (the digest of what the log says)`, "A variable in PCR 7 isn't the one that was measured.");
    if (index > separator) throw wrong("no variable behind the separator", "A variable in PCR 7 comes after the separator.");
    if (variables.has(key)) throw wrong("each variable once", "A variable in PCR 7 comes twice.");
    if (key !== SECURE_BOOT && MODES[key] === undefined && !LISTS.includes(key)) throw wrong("Secure Boot's own variables alone", "A variable in PCR 7 is none of Secure Boot's.");
    variables.set(key, { index, found, data: variable.data });
  }
  return variables;
}

function checkRest(firmware: readonly FirmwareEvent[], separator: number, db: readonly SignatureEntry[]): void {
  let allowed = false;
  for (const [index, found] of firmware.entries()) {
    const { event, digest } = found;
    switch (event.type) {
      case EVENT_TYPE.EV_SEPARATOR:
      case EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG:
        break;
      case EVENT_TYPE.EV_EFI_VARIABLE_AUTHORITY:
        checkAuthority(index, found, db);
        allowed ||= index > separator;
        break;
      default:
        if (Buffer.compare(digest, DEBUG_MODE) === 0) throw refuseEvent("SECURE_BOOT_OFF", { pcr: PCR, index, expected: "no debugger", found }, "The firmware ran under a debugger.");
        throw refuseEvent("SECURE_BOOT_VARIABLE_WRONG", { pcr: PCR, index, expected: "variables, authorities and one separator", found }, `PCR 7 has an event of type ${event.typeName}, which doesn't belong there.`);
    }
  }
  if (allowed) return;
  const missing = { pcr: PCR, index: firmware.length, area: "what allowed the image", expected: IN_DB, found: NOTHING_MORE };
  throw refuseEvent("SECURE_BOOT_AUTHORITY_WRONG", missing, "Secure Boot was on, but no certificate allowed the image that was started.");
}

/** EV_EFI_VARIABLE_AUTHORITY: the entry of db that allowed an image. A shim's own lists are others' keys. */
function checkAuthority(index: number, found: FirmwareEvent, db: readonly SignatureEntry[]): void {
  const { data } = found.event;
  const wrong = (expected: string, detail: string): Refusal => refuseEvent("SECURE_BOOT_AUTHORITY_WRONG", { pcr: PCR, index, area: "what allowed an image", expected, found }, detail);
  if (!equalBytes(sha256(data), found.digest)) throw wrong(`${toHex(sha256(data))} (the digest of what the log says)`, "What allowed an image isn't what was measured.");
  const variable = readVariable(data);
  const isDb = variable !== null && variable.guid === EFI_IMAGE_SECURITY_GUID && variable.name === "db";
  if (!isDb || !db.some(({ whole }) => equalBytes(whole, variable.data))) throw wrong(IN_DB, "An image was allowed by something that isn't in db.");
}

function off(variable: { readonly index: number; readonly name: string; readonly expected: string; readonly found: string }, detail?: string): Refusal {
  const { index, name, expected, found } = variable;
  return refuseEvent("SECURE_BOOT_OFF", { pcr: PCR, index, type: CONFIG_TYPE, area: variableArea(name), expected, found }, detail);
}

/** A variable's name without its vendor, safe to show. */
function nameOf(key: string): string {
  return printable(key.slice(key.indexOf(" ") + 1));
}

function variableArea(key: string): string {
  return key === "" ? "a UEFI variable" : `UEFI variable ${nameOf(key)}`;
}

/** Of one byte the byte itself and what it means, else the size. */
function valueText(data: Uint8Array): string {
  const [first] = data;
  if (data.length !== 1 || first === undefined) return `${data.length} bytes`;
  return `${toHex(data)} (${first === 1 ? "on" : first === 0 ? "off" : "no such value"})`;
}

function readVariable(event: Uint8Array): UefiVariable | null {
  try {
    return parseUefiVariable(event);
  } catch {
    return null;
  }
}

function checkLists({ index, found, data }: MeasuredVariable, name: string): SignedList {
  try {
    signatureLists(data);
    return { index, data };
  } catch (cause) {
    const event = { pcr: PCR, index, area: variableArea(name), expected: "EFI_SIGNATURE_LISTs that end where their sizes say", found: found ?? NOTHING_MORE };
    throw refuseEvent("SECURE_BOOT_VARIABLE_WRONG", event, "A list of keys in PCR 7 can't be read.", { cause });
  }
}
