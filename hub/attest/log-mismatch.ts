import { OS_SEPARATOR_PCRS, OS_SEPARATOR_WORD } from "../../proto/eventlog/userspace.ts";
import { extendAll, initialPcr } from "../../proto/eventlog/replay.ts";
import type { PcrRule, Release, ReleaseImage } from "../../proto/release/release.ts";
import { pcrDigest } from "../../proto/tpm/pcr.ts";
import { equalBytes, sha256, utf8 } from "../../proto/wire/bytes.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { type Difference, type Differences, type Expected, NOTHING_MORE } from "./difference.ts";
import { diffFirmware } from "./firmware.ts";
import { type MeasuredPcr, type QuotedPcrs, type ShownBoot } from "./measured-boot.ts";
import { Refusal } from "./refusal.ts";
import type { Known } from "./types.ts";

const CODE = "LOG_MISMATCH";
const PCR_BYTES = 32;
const BARRIER = sha256(utf8(OS_SEPARATOR_WORD));
/** Values that are tried at most: whoever has a TPM chooses how long his logs are. */
const MAX_GUESSES = 512;
/** Those of them that are tried two at a time. */
const MAX_LIKELY = 64;
const LOCALITIES: readonly number[] = [0, 3, 4];

/** What PCRs may really have held, and how the logs differ from that. */
interface Guess {
  readonly values: ReadonlyMap<number, Uint8Array>;
  readonly difference: Difference;
}

/**
 * The refusal of logs that don't add up to the quote. A quote has one digest over all PCRs, so which of them the logs don't explain can't
 * be read from it; but it can be found where the truth is something that is known: the log up to some event, the release, the firmware
 * of the approval, or a barrier more or less. Then the first event that differs from it is named, else what the logs pretend to be. Only explains:
 * none of these values is ever judged by.
 */
export function explainMismatch(shown: ShownBoot, quoted: QuotedPcrs, role: string, known: Pick<Known, "cluster" | "releases" | "baseline">): Refusal {
  const images = known.releases.filter((r) => r.cluster === known.cluster).flatMap((release) => release.images.map((image) => ({ release, image })));
  const own = images.filter(({ image }) => image.role === role);
  const likely = [...releaseGuesses(shown, own), ...baselineGuesses(shown, known.baseline), ...barrierGuesses(shown), ...localityGuesses(shown)].slice(0, MAX_LIKELY);
  const guesses = [...likely, ...prefixGuesses(shown)].slice(0, MAX_GUESSES);
  const fits = (...chosen: readonly Guess[]): boolean => isQuotedBy(shown, quoted, chosen);
  const one = guesses.find((guess) => fits(guess));
  if (one !== undefined) return refusal([one.difference]);
  for (const [i, a] of likely.entries()) {
    const b = likely.slice(i + 1).find((other) => fits(a, other));
    if (b !== undefined) return refusal([a.difference, b.difference]);
  }
  return refusal([unknown(shown, quoted, own)]);
}

function refusal(differences: Differences): Refusal {
  return new Refusal(CODE, differences);
}

function isQuotedBy({ boot }: ShownBoot, { pcrDigest: wanted, hash }: QuotedPcrs, guesses: readonly Guess[]): boolean {
  const values = [...boot.values()].map(({ pcr, value }) => guesses.find((g) => g.values.has(pcr))?.values.get(pcr) ?? value);
  return equalBytes(pcrDigest(values, hash), wanted);
}

interface Candidate {
  readonly release: Release;
  readonly image: ReleaseImage;
}

/** The PCR as the release has it; the TPM holds that, and the log something else. */
function releaseGuesses({ boot }: ShownBoot, own: readonly Candidate[]): readonly Guess[] {
  return own.flatMap(({ image }) => [...boot.values()].flatMap((pcr) => expectedOf(image.pcrs[String(pcr.pcr)], pcr).flatMap((events) => guessEvents(pcr, events))));
}

type ExpectedDigest = Exclude<Expected, string>;

/** Every list of events that obeys the rule; the rules that list none have no guess. */
function expectedOf(rule: PcrRule | undefined, pcr: MeasuredPcr): readonly (readonly ExpectedDigest[])[] {
  switch (rule?.rule) {
    case "exact":
      return [rule.events];
    case "zero":
      return [[]];
    case "words": {
      const words = rule.words.map((word) => ({ digest: toHex(sha256(utf8(word))), what: `the word "${word}"`, type: "phase" }));
      // Those nearest to what the log says come first.
      const said = pcr.events.filter((e) => e.log === "userspace").length;
      const lengths = [...words.keys(), words.length].sort((a, b) => Math.abs(a - said) - Math.abs(b - said));
      return lengths.map((n) => [...rule.events, ...words.slice(0, n)]);
    }
    default:
      return [];
  }
}

function guessEvents(pcr: MeasuredPcr, expected: readonly ExpectedDigest[]): readonly Guess[] {
  const index = Array.from({ length: Math.max(expected.length, pcr.events.length) }, (_, i) => i).find((i) => {
    const got = pcr.events[i];
    return got === undefined || expected[i]?.digest !== toHex(got.digest);
  });
  if (index === undefined) return [];
  const value = extendAll("sha256", initialPcr(pcr.pcr, PCR_BYTES, 0), expected.map(({ digest }) => fromHex(digest)));
  const found = pcr.events[index] ?? NOTHING_MORE;
  return [{ values: new Map([[pcr.pcr, value]]), difference: { at: "event", code: CODE, pcr: pcr.pcr, index, expected: expected[index] ?? NOTHING_MORE, found } }];
}

/** The firmware is the one of the approval, and the log tells another. */
function baselineGuesses({ boot }: ShownBoot, baseline: Known["baseline"]): readonly Guess[] {
  if (baseline === null) return [];
  return Object.entries(baseline.values).flatMap(([number, value]) => {
    const pcr = boot.get(Number(number));
    const [difference] = pcr === undefined ? [] : diffFirmware(baseline, pcr);
    return pcr === undefined || difference === undefined || value.length !== 2 * PCR_BYTES ? [] : [{ values: new Map([[pcr.pcr, fromHex(value)]]), difference: { ...difference, code: CODE } }];
  });
}

/** systemd's barrier was extended into all of its PCRs, and the log doesn't tell it or tells it wrongly. */
function barrierGuesses({ boot }: ShownBoot): readonly Guess[] {
  const pcrs = OS_SEPARATOR_PCRS.flatMap((pcr) => boot.get(pcr) ?? []);
  const having = pcrs.filter(({ events }) => events.some((e) => e.log === "userspace"));
  const said = having.length === 0 ? "no record of it" : `records in PCR ${having.map(({ pcr }) => pcr).join(", ")}`;
  const difference = (expected: string): Difference => ({ at: "field", code: CODE, field: "userspaceLog", area: "the barrier between firmware and system", expected, found: said });
  const all = new Map(pcrs.map(({ pcr, firmwareValue }) => [pcr, extendAll("sha256", firmwareValue, [BARRIER])]));
  const none = new Map(pcrs.map(({ pcr, firmwareValue }) => [pcr, firmwareValue]));
  const measured = { values: all, difference: difference(`records of it in PCR ${pcrs.map(({ pcr }) => pcr).join(", ")}, where the TPM has it`) };
  return having.length === 0 ? [measured] : [measured, { values: none, difference: difference("no record of it, since the TPM doesn't have it") }];
}

/** PCR 0 began at another startup locality than the log says. */
function localityGuesses({ boot, startupLocality }: ShownBoot): readonly Guess[] {
  const pcr = boot.get(0);
  if (pcr === undefined) return [];
  const digests = pcr.events.map(({ digest }) => digest);
  return LOCALITIES.filter((locality) => locality !== startupLocality).map((locality) => ({
    values: new Map([[0, extendAll("sha256", initialPcr(0, PCR_BYTES, locality), digests)]]),
    difference: { at: "field", code: CODE, field: "firmwareLog.startupLocality", area: "where PCR 0 began", expected: `locality ${locality}, as the TPM has it`, found: `locality ${startupLocality}` },
  }));
}

/** The log tells events at a PCR's end that the TPM never saw: a replay agrees up to the one before. */
function* prefixGuesses({ boot, startupLocality }: ShownBoot): Generator<Guess> {
  for (const { pcr, events } of boot.values()) {
    let value = initialPcr(pcr, PCR_BYTES, startupLocality);
    for (const [index, found] of events.entries()) {
      yield { values: new Map([[pcr, value]]), difference: { at: "event", code: CODE, pcr, index, expected: NOTHING_MORE, found } };
      value = extendAll("sha256", value, [found.digest]);
    }
  }
}

function unknown({ boot }: ShownBoot, { pcrDigest: found, hash }: QuotedPcrs, own: readonly Candidate[]): Difference {
  const byLogs = toHex(pcrDigest([...boot.values()].map((p) => p.value), hash));
  const area = "digest over all quoted PCRs; which of them the logs don't explain can't be told from it";
  return { at: "field", code: CODE, field: "quote.pcrDigest", area, expected: `${byLogs} (by the logs; ${pretence(boot, own)})`, found: `${toHex(found)} (signed by the TPM)` };
}

/** Whether the logs look like the release: those that do, and weren't measured, were written by somebody. */
function pretence(boot: ShownBoot["boot"], own: readonly Candidate[]): string {
  const [first] = own;
  if (first === undefined) return "no current release has an image of the claimed role to compare them with";
  const { release, image } = first;
  const others = [...boot.values()].filter((pcr) => {
    const lists = expectedOf(image.pcrs[String(pcr.pcr)], pcr);
    return lists.length > 0 && lists.every((events) => guessEvents(pcr, events).length > 0);
  });
  const which = `the image of ${image.role} in release ${release.id}`;
  return others.length === 0 ? `as shown they are those of ${which}` : `as shown they differ from ${which} in PCR ${others.map(({ pcr }) => pcr).join(", ")}`;
}
