import { hash } from "node:crypto";
import type { BankName } from "./bank.ts";
import { BANKS } from "./bank.ts";
import type { LoggedEvent, UnverifiedEventLog } from "./event-log.ts";
import { bankIndex } from "./event-log.ts";
import { EventLogError } from "./error.ts";
import { EVENT_TYPE } from "./event-type.ts";

/** Whether a TPM saw this event: EV_NO_ACTION is information for readers and extends nothing. */
export function isExtended(event: LoggedEvent): boolean {
  return event.type !== EVENT_TYPE.EV_NO_ACTION;
}

/**
 * What a PCR holds before its first extend: zeros; 17–22 (dynamic root of trust) start at all ones; PCR 0 ends in the
 * startup locality (TCG PC Client Platform Firmware Profile 1.06, 3.3.2).
 */
export function initialPcr(pcr: number, size: number, startupLocality: number): Uint8Array {
  const value = new Uint8Array(size);
  if (pcr >= 17 && pcr <= 22) value.fill(0xff);
  if (pcr === 0) value[size - 1] = startupLocality;
  return value;
}

/** `digests` extended one after the other into `initial`; a new array. */
export function extendAll(bank: BankName, initial: Uint8Array, digests: Iterable<Uint8Array>): Uint8Array {
  const size = initial.length;
  const buf = new Uint8Array(size * 2);
  const text = Buffer.from(buf.buffer);
  buf.set(initial);
  for (const digest of digests) {
    buf.set(digest, size);
    // As a string of bytes: Node makes no object for it, which costs twice the hashing, and a log has a hundred of these.
    text.write(hash(bank, buf, "binary"), 0, size, "latin1");
  }
  return buf.slice(0, size);
}

/**
 * PCR values that this log adds up to in one bank. A PCR that no event extends is absent, not zero: "the log doesn't
 * explain it" and "it is zero" are different statements. Throws EventLogError `UNKNOWN_BANK` where the log lacks the bank.
 */
export function replayEventLog(log: UnverifiedEventLog, bank: BankName): ReadonlyMap<number, Uint8Array> {
  const at = bankIndex(log, bank);
  const size = BANKS.find((b) => b.name === bank)?.size;
  if (at < 0 || size === undefined) throw new EventLogError("UNKNOWN_BANK", `the log has no ${bank} bank`);
  if (!canHash(bank)) throw new EventLogError("UNKNOWN_BANK", `this build can't compute ${bank}`);
  const values = new Map<number, Uint8Array>();
  for (const [pcr, events] of groupByPcr(log.events)) {
    values.set(pcr, extendAll(bank, initialPcr(pcr, size, log.startupLocality), digestsOf(events, at)));
  }
  return values;
}

/** The extending events of each PCR that has any, in the log's order; PCRs ascending. */
export function groupByPcr(events: readonly LoggedEvent[]): ReadonlyMap<number, readonly LoggedEvent[]> {
  const groups: LoggedEvent[][] = [];
  for (const event of events) if (isExtended(event)) (groups[event.pcr] ??= []).push(event);
  return new Map(groups.flatMap((group, pcr) => (group === undefined ? [] : [[pcr, group] as const])));
}

function* digestsOf(events: readonly LoggedEvent[], at: number): Generator<Uint8Array> {
  for (const event of events) {
    const digest = event.digests[at];
    if (digest !== undefined) yield digest;
  }
}

/** Whether this runtime has the hash: bun's has no SM3. */
export function canHash(bank: BankName): boolean {
  try {
    return hash(bank, new Uint8Array(0), "buffer").length > 0;
  } catch {
    return false;
  }
}
