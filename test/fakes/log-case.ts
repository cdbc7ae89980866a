import { digest as hash } from "../../proto/tpm/alg.ts";
import type { BankName } from "../../proto/eventlog/bank.ts";
import { type LoggedEvent, parseEventLog, type UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { encodeUserspaceRecord, OS_SEPARATOR_PCRS, OS_SEPARATOR_WORD } from "../../proto/eventlog/userspace.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { encodeEventLog } from "./encode-event-log.ts";
import { BANK_NAMES, BOOT_ID, firmwareLog } from "./evidence-case.ts";

/** The recorded boot's log, parsed: what tests change one thing in. */
export const recordedLog: UnverifiedEventLog = parseEventLog(firmwareLog);

/** How a test changes the events. */
export type Change = (events: readonly LoggedEvent[]) => readonly LoggedEvent[];

/** The recorded log with its events changed. */
export function logWith(change: Change): Uint8Array {
  return encodeEventLog({ banks: recordedLog.banks, events: change(recordedLog.events) });
}

/** A log with these of its banks alone. */
export function logOfBanks(names: readonly BankName[], log: Uint8Array = firmwareLog): Uint8Array {
  const { banks, events } = parseEventLog(log);
  const isKept = (_: unknown, i: number): boolean => banks[i] !== undefined && names.includes(banks[i].name);
  return encodeEventLog({ banks: banks.filter(isKept), events: events.map((e) => ({ ...e, digests: e.digests.filter(isKept) })) });
}

/** The same event with the digests of other bytes. */
export function measuring(event: LoggedEvent, data: Uint8Array): LoggedEvent {
  return { ...event, digests: recordedLog.banks.map(({ id }) => hash(id, data)) };
}

/** An event whose digests are those of its data. */
export function newEvent(pcr: number, type: keyof typeof EVENT_TYPE | number, data: Uint8Array): LoggedEvent {
  const code = typeof type === "number" ? type : EVENT_TYPE[type];
  return measuring({ pcr, type: code, typeName: String(type), digests: [], data }, data);
}

/** A UEFI variable's event data. */
export function variableData(guid: Uint8Array, name: string, data: Uint8Array): Uint8Array {
  const text = new Uint8Array(Buffer.from(name, "utf16le"));
  return new ByteWriter().bytes(guid).u64le(BigInt(name.length)).u64le(BigInt(data.length)).bytes(text).bytes(data).done();
}

/** Records of systemd's os-separator for these PCRs, as systemd 261 writes them. */
export function separatorRecords(pcrs: readonly number[] = OS_SEPARATOR_PCRS, word = OS_SEPARATOR_WORD): Uint8Array {
  return concatBytes(...pcrs.map((pcr) => encodeUserspaceRecord({ pcr, word, bootId: BOOT_ID, eventType: "os-separator", banks: BANK_NAMES })));
}

/** One record of userspace. */
export function record(pcr: number, word: string, eventType: string): Uint8Array {
  return encodeUserspaceRecord({ pcr, word, bootId: BOOT_ID, eventType, banks: BANK_NAMES });
}

/** UTF-16LE with a NUL. */
export const utf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(`${text}\0`, "utf16le"));

