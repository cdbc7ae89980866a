import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { EFI_GLOBAL_GUID, EFI_IMAGE_SECURITY_GUID } from "../../proto/eventlog/guid.ts";
import { signatureEntries, type SignatureEntry, signatureLists } from "../../proto/eventlog/signature-list.ts";
import { parseUefiVariable, type UefiVariable } from "../../proto/eventlog/uefi-variable.ts";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import type { MeasuredBoot, MeasuredEvent } from "./measured-boot.ts";
import { Refusal } from "./refusal.ts";

/** Secure Boot's variables as PCR 7 holds them, each decoded from the bytes that were measured. */
export interface SecureBootState {
  /** EFI_SIGNATURE_LISTs that can be read; their entries are only taken apart for a rule. */
  readonly pk: Uint8Array;
  readonly kek: Uint8Array;
  readonly db: Uint8Array;
  readonly dbx: Uint8Array;
}

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
  const firmware = (boot.get(7)?.events ?? []).filter((e) => e.log === "firmware");
  const at = firmware.findIndex((e) => e.event.type === EVENT_TYPE.EV_SEPARATOR);
  const variables = readVariables(firmware, at);
  const on = variables.get(SECURE_BOOT);
  if (on === undefined) throw new Refusal("SECURE_BOOT_OFF", "The log doesn't say that Secure Boot was on.");
  if (on.length !== 1 || on[0] !== 1) throw new Refusal("SECURE_BOOT_OFF");
  for (const [name, values] of Object.entries(MODES)) {
    const value = variables.get(name);
    if (value !== undefined && (value.length !== 1 || !values.includes(value[0] ?? -1))) {
      throw new Refusal("SECURE_BOOT_OFF", `The firmware was in a mode in which Secure Boot doesn't bind: ${name.slice(EFI_GLOBAL_GUID.length + 1)}.`);
    }
  }
  const list = (name: string): Uint8Array => checkLists(variables.get(name) ?? new Uint8Array(0));
  const state = { pk: list(GLOBAL("PK")), kek: list(GLOBAL("KEK")), db: list(SECURITY("db")), dbx: list(SECURITY("dbx")) };
  checkRest(firmware, at, signatureEntries(state.db));
  return state;
}

type FirmwareEvent = Extract<MeasuredEvent, { log: "firmware" }>;

function readVariables(firmware: readonly FirmwareEvent[], separator: number): ReadonlyMap<string, Uint8Array> {
  const variables = new Map<string, Uint8Array>();
  for (const [i, { event, digest }] of firmware.entries()) {
    if (event.type !== EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG) continue;
    const variable = readVariable(event.data);
    const key = variable === null ? "" : `${variable.guid} ${variable.name}`;
    // What is said of SecureBoot itself decides whether it was on; the code names that.
    const code = key === SECURE_BOOT ? "SECURE_BOOT_OFF" : "SECURE_BOOT_VARIABLE_WRONG";
    if (variable === null) throw new Refusal(code, "A variable in PCR 7 can't be read.");
    if (!equalBytes(sha256(event.data), digest)) throw new Refusal(code, "A variable in PCR 7 isn't the one that was measured.");
    if (i > separator) throw new Refusal(code, "A variable in PCR 7 comes after the separator.");
    if (variables.has(key)) throw new Refusal(code, "A variable in PCR 7 comes twice.");
    if (key !== SECURE_BOOT && MODES[key] === undefined && !LISTS.includes(key)) throw new Refusal(code, "A variable in PCR 7 is none of Secure Boot's.");
    variables.set(key, variable.data);
  }
  return variables;
}

function checkRest(firmware: readonly FirmwareEvent[], separator: number, db: readonly SignatureEntry[]): void {
  let allowed = false;
  for (const [i, { event, digest }] of firmware.entries()) {
    switch (event.type) {
      case EVENT_TYPE.EV_SEPARATOR:
      case EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG:
        break;
      case EVENT_TYPE.EV_EFI_VARIABLE_AUTHORITY:
        checkAuthority(event.data, digest, db);
        allowed ||= i > separator;
        break;
      default:
        if (Buffer.compare(digest, DEBUG_MODE) === 0) throw new Refusal("SECURE_BOOT_OFF", "The firmware ran under a debugger.");
        throw new Refusal("SECURE_BOOT_VARIABLE_WRONG", `PCR 7 has an event of type ${event.typeName}, which doesn't belong there.`);
    }
  }
  if (!allowed) throw new Refusal("SECURE_BOOT_AUTHORITY_WRONG", "Secure Boot was on, but no certificate allowed the image that was started.");
}

/** EV_EFI_VARIABLE_AUTHORITY: the entry of db that allowed an image. A shim's own lists are others' keys. */
function checkAuthority(data: Uint8Array, digest: Uint8Array, db: readonly SignatureEntry[]): void {
  if (!equalBytes(sha256(data), digest)) throw new Refusal("SECURE_BOOT_AUTHORITY_WRONG", "What allowed an image isn't what was measured.");
  const variable = readVariable(data);
  const isDb = variable !== null && variable.guid === EFI_IMAGE_SECURITY_GUID && variable.name === "db";
  if (!isDb || !db.some(({ whole }) => equalBytes(whole, variable.data))) {
    throw new Refusal("SECURE_BOOT_AUTHORITY_WRONG", "An image was allowed by something that isn't in db.");
  }
}

function readVariable(event: Uint8Array): UefiVariable | null {
  try {
    return parseUefiVariable(event);
  } catch {
    return null;
  }
}

function checkLists(data: Uint8Array): Uint8Array {
  try {
    signatureLists(data);
    return data;
  } catch (cause) {
    throw new Refusal("SECURE_BOOT_VARIABLE_WRONG", "A list of keys in PCR 7 can't be read.", [], { cause });
  }
}
