import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { describeEvent } from "../../proto/eventlog/describe.ts";
import { EventLogError } from "../../proto/eventlog/error.ts";
import { bankIndex, type LoggedEvent, parseEventLog } from "../../proto/eventlog/event-log.ts";
import { printable } from "../../proto/eventlog/printable.ts";
import { extendAll, initialPcr, isExtended } from "../../proto/eventlog/replay.ts";
import { parseUserspaceLog, type UnverifiedUserspaceRecord } from "../../proto/eventlog/userspace.ts";
import type { ShaAlg } from "../../proto/tpm/alg.ts";
import { pcrDigest } from "../../proto/tpm/pcr.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { Refusal, refuseAs } from "./refusal.ts";

const PCR_BYTES = 32;

/** One extend of a PCR in the SHA-256 bank, and the record that explains it. */
export type MeasuredEvent =
  | { readonly log: "firmware"; readonly digest: Uint8Array; readonly event: LoggedEvent }
  | { readonly log: "userspace"; readonly digest: Uint8Array; readonly record: UnverifiedUserspaceRecord };

/** One quoted PCR with all that was ever extended into it: the firmware's log first, then userspace's. */
export interface MeasuredPcr {
  readonly pcr: number;
  readonly value: Uint8Array;
  readonly events: readonly MeasuredEvent[];
}

declare const quoted: unique symbol;
/** Every quoted PCR. Exists only where the logs add up to the digest that the TPM signed, so the rules can't see other values (P4). */
export type MeasuredBoot = ReadonlyMap<number, MeasuredPcr> & { readonly [quoted]: true };

/**
 * Parses both logs, replays them and compares with the quote's pcrDigest, made with the key's scheme hash (P13, P14, P17, P21).
 * A quote carries a digest alone, so the values are those that the logs give: zero where nothing was logged. Throws Refusal.
 */
export function replayBoot(logs: { readonly firmwareLog: Uint8Array; readonly userspaceLog: Uint8Array }, digest: Uint8Array, hash: ShaAlg): MeasuredBoot {
  const log = readFirmwareLog(logs.firmwareLog);
  const records = refuseAs("USERSPACE_LOG_MALFORMED", () => parseUserspaceLog(logs.userspaceLog));
  const at = bankIndex(log, "sha256");
  if (at < 0) throw new Refusal("LOG_WITHOUT_SHA256");
  const events = new Map<number, MeasuredEvent[]>(QUOTED_PCRS.map((pcr) => [pcr, []]));
  for (const event of log.events) {
    const measured = event.digests[at];
    if (measured !== undefined && isExtended(event)) events.get(event.pcr)?.push({ log: "firmware", digest: measured, event });
  }
  for (const record of records) events.get(record.pcr)?.push({ log: "userspace", digest: record.digest, record });
  const boot = new Map<number, MeasuredPcr>();
  for (const [pcr, list] of events) {
    const value = extendAll("sha256", initialPcr(pcr, PCR_BYTES, log.startupLocality), list.map((e) => e.digest));
    boot.set(pcr, { pcr, value, events: list });
  }
  const replayed = pcrDigest([...boot.values()].map((p) => p.value), hash);
  if (!equalBytes(replayed, digest)) throw new Refusal("LOG_MISMATCH");
  return boot as unknown as MeasuredBoot;
}

/** What an event is, for people. It costs time and memory: for findings alone. */
export function describeMeasured(measured: MeasuredEvent): string {
  if (measured.log === "firmware") return describeEvent(measured.event, measured.digest);
  const { eventType, word } = measured.record;
  return eventType === "phase" ? `the word "${printable(word)}"` : `"${printable(word)}", measured by userspace`;
}

/** Values as lower-case hex by PCR number. */
export function pcrValues(boot: MeasuredBoot): Readonly<Record<string, string>> {
  return Object.fromEntries([...boot.values()].map(({ pcr, value }) => [String(pcr), toHex(value)]));
}

function readFirmwareLog(data: Uint8Array): ReturnType<typeof parseEventLog> {
  return refuseAs("LOG_MALFORMED", () => {
    try {
      return parseEventLog(data);
    } catch (cause) {
      if (cause instanceof EventLogError && cause.code === "LEGACY_LOG") throw new Refusal("LOG_LEGACY", undefined, [], { cause });
      throw cause;
    }
  });
}
