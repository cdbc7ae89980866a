import { OS_SEPARATOR_PCRS, OS_SEPARATOR_WORD } from "../../proto/eventlog/userspace.ts";
import type { PcrRule, Release, ReleaseImage } from "../../proto/release/release.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { type BankDigests, type BankValues, digestsOf, digestsOfKnown, digestsOfText, extendBanks, startOf } from "./bank-values.ts";
import { type Difference, type Expected, NOTHING_MORE } from "./difference.ts";
import { diffFirmware } from "./firmware.ts";
import type { MeasuredEvent, MeasuredPcr, ShownBoot } from "./measured-boot.ts";
import type { Known } from "./types.ts";

const CODE = "LOG_MISMATCH";
const PCR_BYTES = 32;
const LOCALITIES = [0, 3, 4] as const;

/** What some PCRs may really have held, in every bank that isn't as shown, and how the logs differ from that. */
export interface Guess {
  readonly values: ReadonlyMap<number, BankValues>;
  readonly difference: Difference;
}

/** An image that a machine may be. */
export interface Candidate {
  readonly release: Release;
  readonly image: ReleaseImage;
}

/** The PCR as the release has it; the TPM holds that, and the log something else. */
export function releaseGuesses(shown: ShownBoot, own: readonly Candidate[]): readonly Guess[] {
  return own.flatMap(({ image }) => [...shown.boot.values()].flatMap((pcr) => expectedOf(image.pcrs[String(pcr.pcr)], pcr).flatMap((events) => guessEvents(shown, pcr, events))));
}

/** The PCRs whose events aren't the release's, where it lists any. */
export function unlikeRelease({ boot }: ShownBoot, { image }: Candidate): readonly number[] {
  const isUnlike = (pcr: MeasuredPcr): boolean => {
    const lists = expectedOf(image.pcrs[String(pcr.pcr)], pcr);
    return lists.length > 0 && lists.every((events) => firstUnlike(pcr, events) !== undefined);
  };
  return [...boot.values()].filter(isUnlike).map(({ pcr }) => pcr);
}

type ExpectedEvent = Exclude<Expected, string> & { readonly word?: string };

/** Every list of events that obeys the rule; the rules that list none have no guess. */
function expectedOf(rule: PcrRule | undefined, pcr: MeasuredPcr): readonly (readonly ExpectedEvent[])[] {
  switch (rule?.rule) {
    case "exact":
      return [rule.events];
    case "zero":
      return [[]];
    case "words": {
      const words = rule.words.map((word) => ({ digest: toHex(sha256(utf8(word))), what: `the word "${word}"`, type: "phase", word }));
      // Those nearest to what the log says come first.
      const said = pcr.events.filter((e) => e.log === "userspace").length;
      const lengths = [...words.keys(), words.length].sort((a, b) => Math.abs(a - said) - Math.abs(b - said));
      return lengths.map((n) => [...rule.events, ...words.slice(0, n)]);
    }
    default:
      return [];
  }
}

function firstUnlike(pcr: MeasuredPcr, expected: readonly ExpectedEvent[]): number | undefined {
  return Array.from({ length: Math.max(expected.length, pcr.events.length) }, (_, i) => i).find((i) => {
    const got = pcr.events[i];
    return got === undefined || expected[i]?.digest !== toHex(got.digest);
  });
}

function guessEvents({ log }: ShownBoot, pcr: MeasuredPcr, expected: readonly ExpectedEvent[]): readonly Guess[] {
  const index = firstUnlike(pcr, expected);
  if (index === undefined) return [];
  const digests = allOf(expected.map(({ digest, word }) => (word === undefined ? digestsOfKnown(log, pcr, digest) : digestsOfText(log, utf8(word)))));
  if (digests === null) return [];
  const difference = { at: "event", code: CODE, pcr: pcr.pcr, index, expected: expected[index] ?? NOTHING_MORE, found: pcr.events[index] ?? NOTHING_MORE } as const;
  return [{ values: new Map([[pcr.pcr, extendBanks(log, startOf(log, pcr.pcr, 0), digests)]]), difference }];
}

function allOf(digests: readonly (BankDigests | null)[]): readonly BankDigests[] | null {
  const known = digests.filter((d) => d !== null);
  return known.length === digests.length ? known : null;
}

/** The firmware is the one of the approval, and the log tells another. */
export function baselineGuesses({ log, boot }: ShownBoot, baseline: Known["baseline"]): readonly Guess[] {
  if (baseline === null) return [];
  return Object.entries(baseline.values).flatMap(([number, value]) => {
    const pcr = boot.get(Number(number));
    const [difference] = pcr === undefined ? [] : diffFirmware(baseline, pcr);
    if (pcr === undefined || difference === undefined || value.length !== 2 * PCR_BYTES) return [];
    const guess = (values: BankValues): Guess => ({ values: new Map([[pcr.pcr, values]]), difference: { ...difference, code: CODE } });
    if (log.banks.length === 1) return [guess(new Map([[ALG.SHA256, fromHex(value)]]))];
    const digests = allOf((baseline.events[number] ?? []).map((e) => digestsOfKnown(log, pcr, e.digest)));
    return digests === null ? [] : [guess(extendBanks(log, startOf(log, pcr.pcr, log.startupLocality), digests))];
  });
}

/** systemd's barrier was extended into all of its PCRs, and the log doesn't tell it or tells it wrongly. */
export function barrierGuesses({ log, boot }: ShownBoot): readonly Guess[] {
  const pcrs = OS_SEPARATOR_PCRS.flatMap((pcr) => boot.get(pcr) ?? []);
  const having = pcrs.filter(({ events }) => events.some((e) => e.log === "userspace"));
  const said = having.length === 0 ? "no record of it" : `records in PCR ${having.map(({ pcr }) => pcr).join(", ")}`;
  const difference = (expected: string): Difference => ({ at: "field", code: CODE, field: "userspaceLog", area: "the barrier between firmware and system", expected, found: said });
  const firmware = new Map(pcrs.map((pcr) => [pcr.pcr, after(log, pcr, (e) => e.log === "firmware")]));
  const barrier = digestsOfText(log, utf8(OS_SEPARATOR_WORD));
  const all = new Map([...firmware].map(([pcr, values]) => [pcr, extendBanks(log, values, [barrier])]));
  const measured = { values: all, difference: difference(`records of it in PCR ${pcrs.map(({ pcr }) => pcr).join(", ")}, where the TPM has it`) };
  return having.length === 0 ? [measured] : [measured, { values: firmware, difference: difference("no record of it, since the TPM doesn't have it") }];
}

/** PCR 0 began at another startup locality than the log says. */
export function localityGuesses({ log, boot }: ShownBoot): readonly Guess[] {
  const pcr = boot.get(0);
  if (pcr === undefined) return [];
  return LOCALITIES.filter((locality) => locality !== log.startupLocality).map((locality) => ({
    values: new Map([[0, after({ ...log, startupLocality: locality }, pcr, () => true)]]),
    difference: { at: "field", code: CODE, field: "firmwareLog.startupLocality", area: "where PCR 0 began", expected: `locality ${locality}, as the TPM has it`, found: `locality ${log.startupLocality}` },
  }));
}

/** A bank that the log tells was never filled: by the firmware, or by anybody. SHA-256 too: then whatever the log says of it is made up. */
export function bankGuesses({ log, boot }: ShownBoot): readonly Guess[] {
  if (log.banks.length === 1) return [];
  return log.banks.flatMap((bank) =>
    [(e: MeasuredEvent) => e.log === "userspace", () => false].map((isMeasured): Guess => {
      const difference = { at: "field", code: CODE, field: "firmwareLog.banks", area: `the ${bank.name} bank`, expected: "no such bank, since the TPM's is empty", found: "a log of it" } as const;
      return { values: new Map([...boot.values()].map((pcr) => [pcr.pcr, after(log, pcr, isMeasured, [bank])])), difference };
    }),
  );
}

/** The log tells events at a PCR's end that the TPM never saw: a replay agrees up to the one before. */
export function* prefixGuesses({ log, boot }: ShownBoot): Generator<Guess> {
  for (const { pcr, events } of boot.values()) {
    let value = startOf(log, pcr, log.startupLocality);
    for (const [index, found] of events.entries()) {
      yield { values: new Map([[pcr, value]]), difference: { at: "event", code: CODE, pcr, index, expected: NOTHING_MORE, found } };
      value = extendBanks(log, value, [digestsOf(log, found)]);
    }
  }
}

/** The PCR in these banks, after those of its shown events that were measured. */
function after(log: ShownBoot["log"], { pcr, events }: MeasuredPcr, isMeasured: (event: MeasuredEvent) => boolean, banks = log.banks): BankValues {
  return extendBanks(log, startOf({ banks }, pcr, log.startupLocality), events.filter(isMeasured).map((e) => digestsOf(log, e)));
}
