import type { ExpectedEvent, PcrRule } from "../../proto/release/release.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { AttestCode } from "./codes.ts";
import type { MeasuredEvent, MeasuredPcr } from "./measured-boot.ts";

/**
 * The first place where a PCR leaves its rule, as values: made on the way to every verdict, put into words
 * only when the verdict is no. null: nothing is expected, or nothing was found there.
 */
export interface Difference {
  readonly code: AttestCode;
  readonly pcr: number;
  /** Number of the event within its PCR; -1 where the whole value is meant. */
  readonly index: number;
  readonly expected: Pick<ExpectedEvent, "digest" | "what"> | null;
  readonly found: MeasuredEvent | Uint8Array | null;
}

/**
 * Compares one PCR with its rule (proto/release/release.ts). `recorded` is the value from the identity's approval, for
 * `pinned`: null before there is one, undefined where the approval should have recorded this PCR and didn't.
 */
export function comparePcr(rule: PcrRule | undefined, pcr: MeasuredPcr, recorded: string | null | undefined): Difference | null {
  if (rule === undefined) return difference("NO_RULE", pcr, -1, null, pcr.value);
  switch (rule.rule) {
    case "exact":
      return compareExact(rule, pcr);
    case "words":
      return compareWords(rule, pcr);
    case "zero":
      return pcr.events.length === 0 ? null : difference("PCR_NOT_ZERO", pcr, 0, null);
    case "pinned":
      return comparePinned(pcr, recorded);
    case "replayed":
      return null;
    default:
      return rule satisfies never;
  }
}

/** The signed value decides; the signed events only say where it went wrong. */
function compareExact(rule: Extract<PcrRule, { rule: "exact" }>, pcr: MeasuredPcr): Difference | null {
  if (toHex(pcr.value) === rule.value) return null;
  return (
    compareEvents(rule.events, pcr, pcr.events) ??
    difference("PCR_MISMATCH", pcr, -1, { digest: rule.value, what: "the release's value, which its own events don't add up to" }, pcr.value)
  );
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

function expectedWord(word: string | undefined): Difference["expected"] {
  return word === undefined ? null : { digest: toHex(sha256(utf8(word))), what: `the word "${word}"` };
}

function comparePinned(pcr: MeasuredPcr, recorded: string | null | undefined): Difference | null {
  if (recorded === null || recorded === toHex(pcr.value)) return null;
  const expected = recorded === undefined ? null : { digest: recorded, what: "recorded at the approval" };
  return difference("FIRMWARE_CHANGED", pcr, -1, expected, pcr.value);
}

function compareEvents(expected: readonly ExpectedEvent[], pcr: MeasuredPcr, events: readonly MeasuredEvent[]): Difference | null {
  for (let i = 0; i < Math.max(expected.length, events.length); i++) {
    const want = expected[i];
    const got = events[i];
    if (want === undefined || got === undefined || toHex(got.digest) !== want.digest) {
      return difference("PCR_MISMATCH", pcr, i, want ?? null, got ?? null);
    }
  }
  return null;
}

function difference(
  code: AttestCode,
  pcr: MeasuredPcr,
  index: number,
  expected: Difference["expected"],
  found: Difference["found"] = pcr.events[index] ?? null,
): Difference {
  return { code, pcr: pcr.pcr, index, expected, found };
}
