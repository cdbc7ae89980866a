import { hash } from "node:crypto";
import type { UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { Refusal } from "./refusal.ts";

/** The log has the bank that is quoted (P20). SHA-1 alone is no log to judge by. Throws Refusal `SHA1_ONLY` or `LOG_WITHOUT_SHA256`. */
export function checkHasBank(log: UnverifiedEventLog): void {
  if (log.banks.every((b) => b.name === "sha1")) throw new Refusal("SHA1_ONLY");
  if (!log.banks.some((b) => b.name === "sha256")) throw new Refusal("LOG_WITHOUT_SHA256");
}

/** Data of a good separator. */
const ZEROS = new Uint8Array(4);

/**
 * The other banks of a firmware log (P20). A quote is over the SHA-256 bank and nothing is ever judged or sealed by another, so
 * another bank can't carry a machine; but what the log announces it must also tell: each bank's separators are that bank's hash
 * of their data, so a bank that the firmware left empty, or that was filled by somebody else, doesn't pass for one. Throws Refusal
 * `BANK_INCONSISTENT`.
 */
export function checkBanks(log: UnverifiedEventLog): void {
  // checkSeparators has seen to the data: four zeros.
  const expected = new Map<string, Uint8Array>();
  for (const event of log.events) {
    if (event.type !== EVENT_TYPE.EV_SEPARATOR) continue;
    for (const [i, { name }] of log.banks.entries()) {
      // SHA-256 is held against the quote; a wrong separator there has a code of its own.
      if (name === "sha256") continue;
      const wanted = expected.get(name) ?? new Uint8Array(hash(name, ZEROS, "buffer"));
      expected.set(name, wanted);
      if (Buffer.compare(event.digests[i] ?? new Uint8Array(0), wanted) !== 0) {
        throw new Refusal("BANK_INCONSISTENT", `The log's ${name} bank has another separator in PCR ${event.pcr} than its data gives.`);
      }
    }
  }
}
