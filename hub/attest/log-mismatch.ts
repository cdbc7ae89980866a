import { ALG } from "../../proto/tpm/alg.ts";
import { pcrDigest } from "../../proto/tpm/pcr.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { Difference, Differences } from "./difference.ts";
import type { ShownBoot } from "./measured-boot.ts";
import { bankGuesses, barrierGuesses, baselineGuesses, type Candidate, type Guess, localityGuesses, prefixGuesses, releaseGuesses, unlikeRelease } from "./mismatch-guess.ts";
import type { QuotedDigest } from "./quote.ts";
import { Refusal } from "./refusal.ts";
import type { Known } from "./types.ts";

/** Values that are tried at most: whoever has a TPM chooses how long his logs are. */
const MAX_GUESSES = 512;
/** Those of them that are tried two at a time. */
const MAX_LIKELY = 64;

/**
 * The refusal of logs that don't add up to the quote. A quote has one digest over all PCRs of all its banks, so which of them the logs don't
 * explain can't be read from it; but it can be found where the truth is something that is known: the log up to some event, the release, the
 * firmware of the approval, a barrier more or less, a bank that nobody filled. Then the first event that differs from it is named, else what
 * the logs pretend to be. Of an event that only the release or the approval knows, SHA-256 is known alone: behind a quote over more banks it isn't found.
 * Only explains: none of these values is ever judged by.
 */
export function explainMismatch(shown: ShownBoot, quoted: QuotedDigest, role: string, known: Pick<Known, "cluster" | "releases" | "baseline">): Refusal {
  const images = known.releases.filter((r) => r.cluster === known.cluster).flatMap((release) => release.images.map((image) => ({ release, image })));
  const own = images.filter(({ image }) => image.role === role);
  const likely = [...releaseGuesses(shown, own), ...baselineGuesses(shown, known.baseline), ...barrierGuesses(shown), ...localityGuesses(shown), ...bankGuesses(shown)].slice(0, MAX_LIKELY);
  const fits = (...chosen: readonly Guess[]): boolean => equalBytes(digestBy(shown, quoted, chosen), quoted.digest);
  const one = likely.find((guess) => fits(guess)) ?? firstOf(prefixGuesses(shown), MAX_GUESSES - likely.length, (guess) => fits(guess));
  if (one !== undefined) return refusal([one.difference]);
  for (const [i, a] of likely.entries()) {
    const b = likely.slice(i + 1).find((other) => fits(a, other));
    if (b !== undefined) return refusal([a.difference, b.difference]);
  }
  return refusal([unknown(shown, quoted, own)]);
}

function firstOf(guesses: Iterable<Guess>, most: number, fits: (guess: Guess) => boolean): Guess | undefined {
  let tried = 0;
  for (const guess of guesses) {
    if (tried++ === most) return undefined;
    if (fits(guess)) return guess;
  }
  return undefined;
}

function refusal(differences: Differences): Refusal {
  return new Refusal("LOG_MISMATCH", differences);
}

/** What a TPM signs that holds what is shown, and otherwise what is guessed. */
function digestBy({ boot, others }: ShownBoot, { banks, hash }: QuotedDigest, guesses: readonly Guess[]): Uint8Array {
  const values = banks.flatMap((bank) =>
    [...boot.values()].map(({ pcr, value }) => {
      const guess = guesses.find(({ values }) => values.get(pcr)?.has(bank) === true);
      return guess?.values.get(pcr)?.get(bank) ?? (bank === ALG.SHA256 ? value : others.get(bank)?.get(pcr)) ?? new Uint8Array(0);
    }),
  );
  return pcrDigest(values, hash);
}

function unknown(shown: ShownBoot, quoted: QuotedDigest, own: readonly Candidate[]): Difference {
  const area = "digest over all quoted PCRs; which of them the logs don't explain can't be told from it";
  const expected = `${toHex(digestBy(shown, quoted, []))} (by the logs; ${pretence(shown, own)})`;
  return { at: "field", code: "LOG_MISMATCH", field: "quote.pcrDigest", area, expected, found: `${toHex(quoted.digest)} (signed by the TPM)` };
}

/** Whether the logs look like the release: those that do, and weren't measured, were written by somebody. */
function pretence(shown: ShownBoot, own: readonly Candidate[]): string {
  const [first] = own;
  if (first === undefined) return "no current release has an image of the claimed role to compare them with";
  const others = unlikeRelease(shown, first);
  const which = `the image of ${first.image.role} in release ${first.release.id}`;
  return others.length === 0 ? `as shown they are those of ${which}` : `as shown they differ from ${which} in PCR ${others.join(", ")}`;
}
