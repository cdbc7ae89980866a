import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { describeEvent } from "../../proto/eventlog/describe.ts";
import { EventLogError } from "../../proto/eventlog/error.ts";
import { bankIndex, type LoggedEvent, parseEventLog, type UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE, eventTypeName } from "../../proto/eventlog/event-type.ts";
import { printable } from "../../proto/eventlog/printable.ts";
import type { Quirk } from "../../proto/eventlog/quirk.ts";
import { extendAll, initialPcr, isExtended } from "../../proto/eventlog/replay.ts";
import { parseUserspaceLog, type UnverifiedUserspaceRecord } from "../../proto/eventlog/userspace.ts";
import { ALG, type HashAlg } from "../../proto/tpm/alg.ts";
import { pcrDigest } from "../../proto/tpm/pcr.ts";
import { equalBytes, sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { checkHasBank, checkQuotedBanks, replayBank } from "./banks.ts";
import type { QuotedDigest } from "./quote.ts";
import { refuseAs, type Refusal, refuseField } from "./refusal.ts";

const PCR_BYTES = 32;

/** One extend of a PCR in the SHA-256 bank, and the record that explains it. */
export type MeasuredEvent =
  | { readonly log: "firmware"; readonly digest: Uint8Array; readonly event: LoggedEvent }
  | { readonly log: "userspace"; readonly digest: Uint8Array; readonly record: UnverifiedUserspaceRecord };

/** One quoted PCR with all that was ever extended into it: the firmware's log first, then userspace's. */
export interface MeasuredPcr {
  readonly pcr: number;
  readonly value: Uint8Array;
  /** The value before userspace extended anything. */
  readonly firmwareValue: Uint8Array;
  readonly events: readonly MeasuredEvent[];
}

declare const quoted: unique symbol;
/** Every quoted PCR. Exists only where the logs add up to the digest that the TPM signed, so the rules can't see other values (P4). */
export type MeasuredBoot = ReadonlyMap<number, MeasuredPcr> & { readonly [quoted]: true };

/** What the quoted PCRs hold in each bank but SHA-256, by ascending PCR. No rule looks at them: they only add up. */
export type OtherBanks = ReadonlyMap<HashAlg, ReadonlyMap<number, Uint8Array>>;

/** A boot, and the quirks without which its log wouldn't have added up. */
export interface ReplayedBoot {
  readonly log: UnverifiedEventLog;
  readonly boot: MeasuredBoot;
  readonly others: OtherBanks;
  readonly quirks: readonly Quirk[];
}

/** Every quoted PCR as logs have it that don't add up to the quote: nobody's boot, and good for an explanation alone. */
export interface ShownBoot {
  readonly log: UnverifiedEventLog;
  readonly boot: ReadonlyMap<number, MeasuredPcr>;
  readonly others: OtherBanks;
}

/** Makes the refusal of logs that don't add up; it knows what could have been measured instead (log-mismatch.ts). */
export type ExplainMismatch = (shown: ShownBoot, quoted: QuotedDigest) => Refusal;

type Logs = { readonly firmwareLog: Uint8Array; readonly userspaceLog: Uint8Array };

/**
 * Parses both logs, replays them in each quoted bank and compares with the quote's digest, made with the key's scheme hash (P13, P14, P17, P20, P21).
 * A quote carries a digest alone, so the values are those that the logs give: zero where nothing was logged. A quirk is tried only
 * where the log doesn't add up without it (P19). Throws Refusal.
 */
export function replayBoot(logs: Logs, quoted: QuotedDigest, allowed: ReadonlySet<Quirk>, explain: ExplainMismatch): ReplayedBoot {
  const log = readFirmwareLog(logs.firmwareLog);
  const records = refuseAs("USERSPACE_LOG_MALFORMED", "userspaceLog", "records of systemd's tpm2-measure.log", () => parseUserspaceLog(logs.userspaceLog));
  checkHasBank(log);
  checkQuotedBanks(log, quoted.banks);
  const events = collect(log, records);
  const plain = replayAs(log, events);
  if (isQuoted(plain.boot, plain.others, quoted)) return { log, boot: plain.boot, others: plain.others, quirks: [] };
  if (allowed.has("exit-boot-services-unlogged") && !hasExitBootServices(events)) {
    const { boot, others } = replayAs(log, new Map(events).set(5, withExitBootServices(events.get(5) ?? [])));
    if (isQuoted(boot, others, quoted)) return { log, boot, others, quirks: ["exit-boot-services-unlogged"] };
  }
  throw explain(plain, quoted);
}

function replayAs(log: UnverifiedEventLog, events: MeasuredEvents): ShownBoot {
  const others = new Map(log.banks.filter((b) => b.name !== "sha256").map((bank) => [bank.id, replayBank(log, bank, events)]));
  return { log, boot: addUp(events, log.startupLocality), others };
}

/** Whether these values hash to what the TPM signed, in all banks that they have and no other; only then is this a {@link MeasuredBoot}. */
export function isQuoted(boot: ReadonlyMap<number, MeasuredPcr>, others: OtherBanks, quoted: QuotedDigest): boot is MeasuredBoot {
  if (quoted.banks.length !== others.size + 1) return false;
  const values = quoted.banks.map((bank) => (bank === ALG.SHA256 ? [...boot.values()].map((p) => p.value) : [...(others.get(bank)?.values() ?? [])]));
  return values.every((bank) => bank.length === boot.size) && equalBytes(pcrDigest(values.flat(), quoted.hash), quoted.digest);
}

/** What was extended into each quoted PCR, in order; PCRs ascending. */
export type MeasuredEvents = ReadonlyMap<number, readonly MeasuredEvent[]>;

function collect(log: UnverifiedEventLog, records: readonly UnverifiedUserspaceRecord[]): MeasuredEvents {
  const at = bankIndex(log, "sha256");
  const events = new Map<number, MeasuredEvent[]>(QUOTED_PCRS.map((pcr) => [pcr, []]));
  for (const event of log.events) {
    const measured = event.digests[at];
    if (measured !== undefined && isExtended(event)) events.get(event.pcr)?.push({ log: "firmware", digest: measured, event });
  }
  for (const record of records) events.get(record.pcr)?.push({ log: "userspace", digest: record.digest, record });
  return events;
}

function addUp(events: MeasuredEvents, startupLocality: number): ReadonlyMap<number, MeasuredPcr> {
  const boot = new Map<number, MeasuredPcr>();
  for (const [pcr, list] of events) {
    const userspace = list.filter((e) => e.log === "userspace").map((e) => e.digest);
    const firmware = list.slice(0, list.length - userspace.length).map((e) => e.digest);
    const firmwareValue = extendAll("sha256", initialPcr(pcr, PCR_BYTES, startupLocality), firmware);
    const value = userspace.length === 0 ? firmwareValue : extendAll("sha256", firmwareValue, userspace);
    boot.set(pcr, { pcr, value, firmwareValue, events: list });
  }
  return boot;
}

/** EV_EFI_ACTION strings of the way out of boot services (Platform Firmware Profile 1.06, 10.4.1). */
const EXIT_ACTIONS: readonly MeasuredEvent[] = ["Exit Boot Services Invocation", "Exit Boot Services Returned with Success"].map((text) => {
  const data = utf8(text);
  const type = EVENT_TYPE.EV_EFI_ACTION;
  return { log: "firmware", digest: sha256(data), event: { pcr: 5, type, typeName: eventTypeName(type), digests: [], data } };
});

function hasExitBootServices(events: MeasuredEvents): boolean {
  return EXIT_ACTIONS.some(({ digest }) => events.get(5)?.some((e) => Buffer.compare(e.digest, digest) === 0) === true);
}

function withExitBootServices(events: readonly MeasuredEvent[]): readonly MeasuredEvent[] {
  return [...events.filter((e) => e.log === "firmware"), ...EXIT_ACTIONS, ...events.filter((e) => e.log === "userspace")];
}

/** What an event is, for people. It costs time and memory: for findings alone. */
export function describeMeasured(measured: MeasuredEvent): string {
  if (measured.log === "firmware") return describeEvent(measured.event, measured.digest);
  const { eventType, word } = measured.record;
  if (eventType === "os-separator") return "the barrier between firmware and system, from systemd";
  return eventType === "phase" ? `the word "${printable(word)}"` : `"${printable(word)}", measured by userspace`;
}

/** Values as lower-case hex by PCR number. */
export function pcrValues(boot: MeasuredBoot): Readonly<Record<string, string>> {
  return Object.fromEntries([...boot.values()].map(({ pcr, value }) => [String(pcr), toHex(value)]));
}

function readFirmwareLog(data: Uint8Array): UnverifiedEventLog {
  return refuseAs("LOG_MALFORMED", "firmwareLog", "a crypto-agile TCG event log", () => {
    try {
      return parseEventLog(data);
    } catch (cause) {
      if (cause instanceof EventLogError && cause.code === "LEGACY_LOG") {
        throw refuseField("LOG_LEGACY", "firmwareLog", { what: "its form", expected: "a crypto-agile TCG event log (Spec ID Event03)", found: "a log of TPM 1.2" }, { cause });
      }
      throw cause;
    }
  });
}
