import { type LoggedEvent, parseEventLog } from "../../proto/eventlog/event-log.ts";
import type { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { encodeUserspaceRecord, parseUserspaceLog } from "../../proto/eventlog/userspace.ts";
import { digest } from "../../proto/tpm/alg.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { encodeEventLog } from "../fakes/encode-event-log.ts";

/** A firmware log with its events changed. */
export function changeLog(log: Uint8Array, change: (events: readonly LoggedEvent[]) => readonly LoggedEvent[]): Uint8Array {
  const { banks, events } = parseEventLog(log);
  return encodeEventLog({ banks, events: change(events) });
}

/** A firmware log in which the last event of this kind was measured over other bytes. Throws when there is none. */
export function measureOther(log: Uint8Array, pcr: number, type: keyof typeof EVENT_TYPE, pick: (event: LoggedEvent) => boolean = () => true): Uint8Array {
  const { banks } = parseEventLog(log);
  return changeLog(log, (events) => {
    const at = events.findLastIndex((e) => e.pcr === pcr && e.typeName === type && pick(e));
    if (at < 0) throw new Error(`the honest worker's log has no ${type} in PCR ${pcr}`);
    const other = banks.map(({ id }) => digest(id, utf8("what the attacker started")));
    return events.map((event, i) => (i === at ? { ...event, digests: other } : event));
  });
}

/** A userspace log with one more word in PCR 11. */
export function addWord(log: Uint8Array, word: string): Uint8Array {
  const banks = [...(parseUserspaceLog(log)[0]?.digests.keys() ?? ["sha256" as const])];
  return concatBytes(log, encodeUserspaceRecord({ pcr: 11, word, bootId: "00000000-0000-4000-8000-000000000000", banks }));
}
