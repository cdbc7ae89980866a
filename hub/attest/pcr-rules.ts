import type { ExpectedEvent, PcrRule, ReleaseImage } from "../../proto/release/release.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { isBarrier } from "./barriers.ts";
import { type Difference, type EventDifference, type Expected, NOTHING_MORE } from "./difference.ts";
import { diffFirmware } from "./firmware.ts";
import type { MeasuredEvent, MeasuredPcr } from "./measured-boot.ts";
import { diffSecureBoot } from "./secure-boot-rule.ts";
import type { SecureBootState } from "./secure-boot.ts";
import type { Baseline } from "./types.ts";

/** Beside a PCR, what its rule may need. */
export interface RuleFacts {
  /** Firmware recorded at the approval; null before there was one. */
  readonly baseline: Baseline | null;
  readonly secureBoot: SecureBootState;
  /** Whether userspace extended its barrier. */
  readonly barrier: boolean;
}

/** Compares one PCR with its image's rule (proto/release/release.ts); no differences: it obeys. */
export function comparePcr(image: ReleaseImage, measured: MeasuredPcr, facts: RuleFacts): readonly Difference[] {
  const rule: PcrRule | undefined = image.pcrs[String(measured.pcr)];
  if (rule === undefined) return [{ at: "pcr", code: "NO_RULE", pcr: measured.pcr, expected: "a rule in the release", found: measured.value }];
  const pcr = image.osSeparator === true && facts.barrier ? withoutBarrier(measured) : measured;
  switch (rule.rule) {
    case "exact":
      return listOf(compareExact(rule, pcr));
    case "words":
      return listOf(compareWords(rule, pcr));
    case "zero":
      return pcr.events.length === 0 ? [] : [difference("PCR_NOT_ZERO", pcr, 0, "nothing, ever")];
    case "pinned":
      return facts.baseline === null ? [] : diffFirmware(facts.baseline, pcr);
    case "replayed":
      return [];
    case "secure-boot":
      return diffSecureBoot(rule, pcr.pcr, facts.secureBoot);
    default:
      return rule satisfies never;
  }
}

/** The PCR as its rule was made for: checkBarriers has seen that nothing else came from userspace, but for PCR 9 and 11, which the barrier's image doesn't compare by value. */
function withoutBarrier(pcr: MeasuredPcr): MeasuredPcr {
  const events = pcr.events.filter((e) => !isBarrier(e));
  return events.length === pcr.events.length ? pcr : { ...pcr, value: pcr.firmwareValue, events };
}

function listOf(difference: Difference | null): readonly Difference[] {
  return difference === null ? [] : [difference];
}

/** The signed value decides; the signed events only say where it went wrong. */
function compareExact(rule: Extract<PcrRule, { rule: "exact" }>, pcr: MeasuredPcr): Difference | null {
  if (toHex(pcr.value) === rule.value) return null;
  const whole = { digest: rule.value, what: "the release's value, which its own events don't add up to" };
  return compareEvents(rule.events, pcr, pcr.events) ?? { at: "pcr", code: "PCR_MISMATCH", pcr: pcr.pcr, expected: whole, found: pcr.value };
}

function compareWords(rule: Extract<PcrRule, { rule: "words" }>, pcr: MeasuredPcr): Difference | null {
  const firmware = pcr.events.filter((e) => e.log === "firmware");
  const said = pcr.events.slice(firmware.length);
  const wrong = compareEvents(rule.events, pcr, firmware);
  if (wrong !== null) return wrong;
  for (const [i, measured] of said.entries()) {
    const word = rule.words[i];
    if (word === undefined || Buffer.compare(sha256(utf8(word)), measured.digest) !== 0) {
      return difference("PHASE_WRONG", pcr, firmware.length + i, expectedWord(word));
    }
  }
  // An `earliest` that is none of the words can't be reached, so it refuses.
  const reached = rule.words.slice(0, said.length).includes(rule.earliest);
  return reached ? null : difference("PHASE_WRONG", pcr, pcr.events.length, expectedWord(rule.words[said.length]));
}

function expectedWord(word: string | undefined): Expected {
  return word === undefined ? NOTHING_MORE : { digest: toHex(sha256(utf8(word))), what: `the word "${word}"`, type: "phase" };
}

function compareEvents(expected: readonly ExpectedEvent[], pcr: MeasuredPcr, events: readonly MeasuredEvent[]): Difference | null {
  for (let i = 0; i < Math.max(expected.length, events.length); i++) {
    const want = expected[i];
    const got = events[i];
    if (want === undefined || got === undefined || toHex(got.digest) !== want.digest) {
      return difference("PCR_MISMATCH", pcr, i, want ?? NOTHING_MORE, got ?? NOTHING_MORE);
    }
  }
  return null;
}

function difference(code: EventDifference["code"], pcr: MeasuredPcr, index: number, expected: Expected, found: EventDifference["found"] = pcr.events[index] ?? NOTHING_MORE): EventDifference {
  return { at: "event", code, pcr: pcr.pcr, index, expected, found };
}
