import { toHex } from "../../proto/wire/hex.ts";
import type { Difference, EventDifference } from "./difference.ts";
import { describeMeasured, type MeasuredBoot, type MeasuredPcr } from "./measured-boot.ts";
import type { Baseline } from "./types.ts";

/** Firmware's code, settings, option ROMs and their settings: what an approval records (DESIGN §2.5). */
const BASELINE_PCRS: readonly number[] = [0, 1, 2, 3];
/** Real firmware has up to 40 events in one of these PCRs; what exceeds this is still decided by its value. */
const MAX_EVENTS = 64;
const MAX_WORDS = 96;
/** The whole baseline as JSON stays below 16 KiB and some. */
type RecordedEvent = Baseline["events"][string][number];

/** What an approval of this boot would record. Values are those before userspace's barrier, so that they outlive an update of systemd. */
export function baselineOfBoot(boot: MeasuredBoot): Baseline {
  const pcrs = BASELINE_PCRS.flatMap((pcr) => boot.get(pcr) ?? []);
  return {
    values: Object.fromEntries(pcrs.map((p) => [String(p.pcr), toHex(p.firmwareValue)])),
    events: Object.fromEntries(pcrs.map((p) => [String(p.pcr), recordedEvents(p)])),
  };
}

function recordedEvents(pcr: MeasuredPcr): readonly RecordedEvent[] {
  const firmware = pcr.events.filter((e) => e.log === "firmware");
  return firmware.slice(0, MAX_EVENTS).map((e) => ({ digest: toHex(e.digest), what: describeMeasured(e).slice(0, MAX_WORDS) }));
}

/** One firmware PCR as it is now, from a log or from a record. Words are made only where something differs. */
interface Now {
  readonly value: string;
  readonly events: readonly NowEvent[];
}
interface NowEvent {
  readonly digest: string;
  readonly index: number;
  readonly found: EventDifference["found"];
  readonly words: () => string;
}

/**
 * What changed in one firmware PCR since the approval, event by event: what went is paired with what came in its place, and where only
 * the order changed, the first event out of its place is named. The value decides; without recorded events it is all there is to say.
 */
export function diffFirmware(baseline: Baseline, pcr: MeasuredPcr): readonly Difference[] {
  const value = toHex(pcr.firmwareValue);
  if (baseline.values[String(pcr.pcr)] === value) return [];
  const events = pcr.events.map((measured, index) => ({ digest: toHex(measured.digest), index, found: measured, words: () => describeMeasured(measured) }));
  return compare(baseline, pcr.pcr, { value, events });
}

/** The same between two records, over all firmware PCRs. */
export function diffBaselines(before: Baseline, after: Baseline): readonly Difference[] {
  return BASELINE_PCRS.flatMap((pcr) => {
    const events = (after.events[String(pcr)] ?? []).map(({ digest, what }, index) => ({ digest, index, found: `${digest} (${what})`, words: () => what }));
    return compare(before, pcr, { value: after.values[String(pcr)] ?? "", events });
  });
}

function compare(baseline: Baseline, pcr: number, now: Now): readonly Difference[] {
  const recorded = baseline.values[String(pcr)];
  if ((recorded ?? "") === now.value) return [];
  const whole = (): Difference => {
    const expected = recorded === undefined ? "a value recorded at the approval" : { digest: recorded, what: "recorded at the approval" };
    return { at: "pcr", code: "FIRMWARE_CHANGED", pcr, expected, found: now.value };
  };
  const before = baseline.events[String(pcr)] ?? [];
  if (recorded === undefined || before.length === 0) return [whole()];
  const gone = without(before, now.events);
  const come = without(now.events, before);
  const changes = Array.from({ length: Math.max(gone.length, come.length) }, (_, i) => difference(pcr, gone[i], come[i]));
  if (changes.length > 0) return changes;
  const moved = now.events.findIndex(({ digest }, i) => before[i]?.digest !== digest);
  // Same events in the same order and another value: the startup locality, or events that weren't recorded.
  return moved < 0 ? [whole()] : [difference(pcr, before[moved], now.events[moved])];
}

/** The elements of `a` that `b` hasn't got, each counted as often as it occurs; in `a`'s order. */
function without<T extends { readonly digest: string }>(a: readonly T[], b: readonly { readonly digest: string }[]): readonly T[] {
  const left = new Map<string, number>();
  for (const { digest } of b) left.set(digest, (left.get(digest) ?? 0) + 1);
  return a.filter(({ digest }) => {
    const n = left.get(digest) ?? 0;
    left.set(digest, n - 1);
    return n <= 0;
  });
}

function difference(pcr: number, gone: RecordedEvent | undefined, come: NowEvent | undefined): Difference {
  const words = gone?.what ?? come?.words() ?? "";
  const area = areaOf(pcr, words);
  const said = { code: "FIRMWARE_CHANGED", pcr, expected: gone ?? "no such event at the approval", ...(area !== undefined && { area }) } as const;
  // What went has no place among the events of now.
  return come === undefined ? { ...said, at: "pcr", found: "no such event now" } : { ...said, at: "event", index: come.index, found: come.found };
}

/** The kinds of change that people ask about, by what the event is. */
function areaOf(pcr: number, words: string): string | undefined {
  if (/^(firmware version|firmware volume)/.test(words)) return "firmware version";
  if (/UEFI variable Boot(Order|[0-9A-F]{4})\b/.test(words)) return "boot order";
  if (pcr === 2) return "option ROM";
  return undefined;
}
