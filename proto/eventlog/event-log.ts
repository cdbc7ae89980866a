import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import type { Bank, BankName } from "./bank.ts";
import { EventLogError } from "./error.ts";
import { EVENT_TYPE, eventTypeName } from "./event-type.ts";
import { EVENT_LOG_LIMITS, MAX_PCR, NO_PCR } from "./limits.ts";
import { readSpecId, SPEC_ID_SIGNATURE, startsWith } from "./spec-id.ts";

/** One TCG_PCR_EVENT2. Nothing but the digests is measured: type and data are the log's word. */
export interface LoggedEvent {
  readonly pcr: number;
  readonly type: number;
  readonly typeName: string;
  /** One digest for each of the log's banks, in the banks' order; views on the input. */
  readonly digests: readonly Uint8Array[];
  readonly data: Uint8Array;
}

/** A well-formed log that nobody has compared with a TPM yet: whoever sent it can have written anything. */
export interface UnverifiedEventLog {
  readonly banks: readonly Bank[];
  /** What PCR 0 starts at in its last byte: 0, 3, or 4 (H-CRTM). */
  readonly startupLocality: 0 | 3 | 4;
  /** Without the header, in the log's order, EV_NO_ACTION included. */
  readonly events: readonly LoggedEvent[];
}

const LOCALITY_SIGNATURE = new TextEncoder().encode("StartupLocality\0");

/**
 * A crypto-agile log as Linux gives it in binary_bios_measurements (TCG PC Client Platform Firmware Profile 1.06, 10.2;
 * little-endian). Every event carries each announced bank exactly once, PCRs are 0–23 (or none, of what isn't measured), nothing may follow the last event.
 * Throws EventLogError or WireError; the time is linear in the size, nothing is copied.
 */
export function parseEventLog(log: Uint8Array): UnverifiedEventLog {
  if (log.length > EVENT_LOG_LIMITS.log) {
    throw new WireError("TOO_LARGE", `event log of ${log.length} bytes, at most ${EVENT_LOG_LIMITS.log} are allowed`);
  }
  const r = new ByteReader(log);
  const banks = readSpecId(r);
  const events: LoggedEvent[] = [];
  while (r.left > 0) {
    if (events.length === EVENT_LOG_LIMITS.events) {
      throw new EventLogError("TOO_MANY_EVENTS", `more than ${EVENT_LOG_LIMITS.events} events`);
    }
    events.push(readEvent(r, banks));
  }
  return { banks, startupLocality: findStartupLocality(events), events };
}

/** Position of a bank's digest in {@link LoggedEvent.digests}; -1 where the log hasn't got it. */
export function bankIndex(log: UnverifiedEventLog, bank: BankName): number {
  return log.banks.findIndex((b) => b.name === bank);
}

function readEvent(r: ByteReader, banks: readonly Bank[]): LoggedEvent {
  const pcr = r.u32le();
  const type = r.u32le();
  // Pointers to a maker's reference values belong to no PCR (SP800-155 events, 10.4.5.2); they extend none either.
  const isOfNoPcr = pcr === NO_PCR && type === EVENT_TYPE.EV_NO_ACTION;
  if (pcr > MAX_PCR && !isOfNoPcr) throw new EventLogError("BAD_PCR", `event for PCR ${pcr}, a TPM has 0 to ${MAX_PCR}`);
  const count = r.u32le();
  if (count !== banks.length) throw new EventLogError("BANKS_DIFFER", `event with ${count} digests in a log of ${banks.length} banks`);
  const digests: Uint8Array[] = new Array<Uint8Array>(count);
  for (let i = 0; i < count; i++) {
    const id = r.u16le();
    // As a rule the header's order; nothing in the specification promises it.
    const at = banks[i]?.id === id ? i : banks.findIndex((b) => b.id === id);
    const bank = banks[at];
    if (bank === undefined || digests[at] !== undefined) {
      throw new EventLogError("BANKS_DIFFER", `event with an unannounced or repeated digest of algorithm 0x${id.toString(16)}`);
    }
    digests[at] = r.bytes(bank.size);
  }
  return { pcr, type, typeName: eventTypeName(type), digests, data: r.sized32le(EVENT_LOG_LIMITS.eventData) };
}

/** EV_NO_ACTION "StartupLocality" (10.4.5.3) changes what PCR 0 starts from, so it must stand before all that extends it. */
function findStartupLocality(events: readonly LoggedEvent[]): 0 | 3 | 4 {
  let locality: 0 | 3 | 4 | undefined;
  let extended = false;
  for (const event of events) {
    if (event.type !== EVENT_TYPE.EV_NO_ACTION) {
      extended ||= event.pcr === 0;
    } else if (startsWith(event.data, SPEC_ID_SIGNATURE)) {
      throw new EventLogError("BAD_HEADER", "the log has a second Spec ID event");
    } else if (startsWith(event.data, LOCALITY_SIGNATURE)) {
      const value = event.data[LOCALITY_SIGNATURE.length];
      const legal = event.data.length === LOCALITY_SIGNATURE.length + 1 && (value === 0 || value === 3 || value === 4);
      if (!legal || event.pcr !== 0 || locality !== undefined || extended) {
        throw new EventLogError("BAD_STARTUP_LOCALITY", "the startup locality must come once, before PCR 0's first event, and be 0, 3 or 4");
      }
      locality = value;
    }
  }
  return locality ?? 0;
}
