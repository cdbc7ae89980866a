import { type BankName, isBankName } from "../../proto/eventlog/bank.ts";
import { describeEvent } from "../../proto/eventlog/describe.ts";
import { EventLogError } from "../../proto/eventlog/error.ts";
import { bankIndex, parseEventLog, type UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { isExtended, replayEventLog } from "../../proto/eventlog/replay.ts";
import { toHex } from "../../proto/wire/hex.ts";

/** One event as it is shown; the digest in hex. */
export interface InspectedEvent {
  readonly pcr: number;
  readonly type: string;
  readonly digest: string;
  readonly description: string;
}

/** A firmware log laid open. Nothing here was compared with a TPM. */
export interface InspectedLog {
  readonly format: "crypto-agile";
  readonly banks: readonly BankName[];
  /** What each PCR that has events adds up to, hex. */
  readonly pcrs: Readonly<Record<string, string>>;
  readonly events: readonly InspectedEvent[];
  /** What would be refused or is odd, in sentences. */
  readonly warnings: readonly string[];
}

const FIRMWARE_PCRS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

/**
 * Reads a firmware log for people. Throws EventLogError or WireError on a log that isn't one; `UNKNOWN_BANK` where it
 * lacks the asked bank.
 */
export function inspectEventLog(bytes: Uint8Array, bank: string): InspectedLog {
  const log = parseEventLog(bytes);
  if (!isBankName(bank)) throw new EventLogError("UNKNOWN_BANK", "there is no bank of this name; sha256 is the usual one");
  const values = replayEventLog(log, bank);
  const at = bankIndex(log, bank);
  return {
    format: "crypto-agile",
    banks: log.banks.map((b) => b.name),
    pcrs: Object.fromEntries([...values].map(([pcr, value]) => [String(pcr), toHex(value)])),
    events: describeAll(log, at),
    warnings: warnings(log),
  };
}

function describeAll(log: UnverifiedEventLog, at: number): readonly InspectedEvent[] {
  const sha256 = bankIndex(log, "sha256");
  return log.events.map((event) => ({
    pcr: event.pcr,
    type: event.typeName,
    digest: toHex(event.digests[at] ?? new Uint8Array(0)),
    description: describeEvent(event, event.digests[sha256] ?? null),
  }));
}

function warnings(log: UnverifiedEventLog): readonly string[] {
  const found: string[] = [];
  if (bankIndex(log, "sha256") < 0) found.push("The log has no SHA-256 bank; kubedos judges no other.");
  for (const pcr of FIRMWARE_PCRS) {
    const count = log.events.filter((e) => e.pcr === pcr && e.type === EVENT_TYPE.EV_SEPARATOR).length;
    if (count !== 1) found.push(`PCR ${pcr} has ${count} separators instead of one.`);
  }
  const injected = [12, 13, 14].filter((pcr) => log.events.some((e) => e.pcr === pcr && isExtended(e)));
  for (const pcr of injected) found.push(`PCR ${pcr} isn't zero: something was handed to the boot loader from outside.`);
  return found;
}
