import type { ReleaseImage } from "../../proto/release/release.ts";
import { checkBinding, checkClaims } from "./binding.ts";
import { checkChallenge } from "./challenge.ts";
import { checkClock } from "./clock.ts";
import { baselineOfBoot } from "./firmware.ts";
import { judgeFailed } from "./judge-failed.ts";
import { checkAk, checkEk } from "./keys.ts";
import { explainMismatch } from "./log-mismatch.ts";
import { listQuirks, matchRelease } from "./match-release.ts";
import type { MeasuredBoot } from "./measured-boot.ts";
import { checkQuote } from "./quote.ts";
import { type FieldFault, Refusal, refuseField } from "./refusal.ts";
import { refusedVerdict } from "./refused-verdict.ts";
import { checkReplay, type ReplayCache } from "./replay.ts";
import { checkSizes } from "./sizes.ts";
import type { AttestedFacts, Challenge, Known, LastClock, UnverifiedEvidence, Verdict } from "./types.ts";

/**
 * Judges one answer to one challenge. Pure: the same arguments give the same verdict, and the cache only makes it faster. The order costs
 * a stranger little and nothing can be switched off. Evidence passes only if all of this holds (docs/verdict.md has code and test of each):
 *
 * 1. Every part is within its size (P16).
 * 2. The EK is a restricted decryption key of its TPM (P9, the key alone), the AK a restricted signing key of its TPM with
 *    one scheme over SHA-256 or better (P8). Their Names are made from their bytes.
 * 3. Both keys are those that the challenge was made for (P8, P9); its secret came back, and before the challenge's end (P5).
 * 4. A certificate that was shown is one about this EK (P9); whether it vouches for it, verifyEkCertificate judged, and one that doesn't is no anchor.
 * 5. Signature and attestation parse to their end, and the AK signed them in its own scheme (P22).
 * 6. The TPM made it (P1), it is a quote (P2) by a key that the TPM calls by the AK's Name under the endorsement hierarchy
 *    (P8), over exactly our PCRs of SHA-256 and of each other bank by the signed selection (P3, P20).
 * 7. Its extraData binds nonce, verifier, claims and both logs (P5, P6).
 * 8. The claims are this cluster's, and their TLS key is the peer's where there is a peer (P6, P7).
 * 9. The quote is younger than the last one of this EK that was known when its challenge was made: clock, counters and boot id fit (P23, P24).
 * 10. Both logs parse to their end (P16, P17), the quote covers each bank that they announce and no other, and they tell each of them (P20); they
 *     add up to the quoted digest in all, made with the AK's hash (P4, P13, P14, P18, P21), by the specification or with a quirk that the release
 *     lists (P19). From here on SHA-256 alone is looked at.
 * 11. PCR 0–7 have one good separator each (P11) and after it only what belongs there (P12); userspace extended them with nothing but its
 *     one barrier (P13).
 * 12. Secure Boot was on, each variable once, in its place and as it was measured, and db allowed every image (P10, P25).
 * 13. PCR 11 doesn't say that the machine gave up.
 * 14. A current release has an image that every quoted PCR fits by its rule (P15, P26, P27); its role is the claimed and the pinned one, and
 *     the firmware is the one recorded at the approval.
 */
export function judge(evidence: UnverifiedEvidence, challenge: Challenge, known: Known, cache: ReplayCache | null = null): Verdict {
  const seen: { clock?: LastClock } = {};
  try {
    return { ok: true, facts: attest(evidence, challenge, known, cache, seen) };
  } catch (error) {
    if (error instanceof Refusal) return { ...refusedVerdict(error), ...seen };
    // A fault of ours that a stranger found: it is a refusal of his evidence, not the end of the hub (P29b).
    return { ...judgeFailed(error instanceof Error ? error.message : String(error)), ...seen };
  }
}

/** `seen` is filled in once the quote is known to be the TPM's: a refusal names its clock too. */
function attest(evidence: UnverifiedEvidence, challenge: Challenge, known: Known, cache: ReplayCache | null, seen: { clock?: LastClock }): AttestedFacts {
  checkSizes(evidence);
  checkEk(evidence.ekPublic);
  const ak = checkAk(evidence.akPublic);
  const { ekName, akName } = checkChallenge(evidence, challenge, known.now);
  const anchor = anchorOf(ekName, known);
  const quote = checkQuote(ak, evidence.akPublic, evidence.quote, evidence.signature);
  const digests = checkBinding(quote.extraData, evidence, challenge, known.before ?? null);
  const claims = checkClaims(evidence.claims, known);
  const { clock, resetCount, restartCount } = quote.clock;
  seen.clock = { clock, resetCount, restartCount, bootId: claims.bootId };
  checkClock(quote.clock, claims.bootId, known.lastClock);
  const replay = checkReplay(evidence, { digests, pcrs: quote.pcrs }, listQuirks(known), {
    cache,
    explain: (shown, quoted) => explainMismatch(shown, quoted, claims.role, known),
  });
  const { release, image, sharedBy } = matchRelease(replay, claims.role, known);
  return {
    claims,
    ekName,
    akName,
    release,
    image,
    sharedBy,
    phase: lastWord(replay.boot, image),
    anchor,
    pcrs: replay.pcrs,
    // Words for some forty events cost as much as all checks together, and only an approval asks for them.
    get firmware() {
      return baselineOfBoot(replay.boot);
    },
    quirks: replay.quirks,
    clock: quote.clock,
  };
}

/** A pin outranks a certificate: it names a slot, a certificate only a maker. */
function anchorOf(ekName: string, known: Known): AttestedFacts["anchor"] {
  const { ekCertificate: shown, pinnedRole } = known;
  const foreign = foreignKey(ekName, shown);
  if (foreign !== null) throw refuseField("EK_CERTIFICATE_KEY_WRONG", "ek.certificate", { what: "key that the certificate is about", ...foreign });
  if (pinnedRole !== null) return "pinned";
  return shown?.ok === true ? "certificate" : "none";
}

function foreignKey(ekName: string, shown: Known["ekCertificate"]): Pick<FieldFault, "expected" | "found"> | null {
  if (shown === null) return null;
  if (shown.ok) return shown.certificate.ekName === ekName ? null : { expected: ekName, found: shown.certificate.ekName };
  const [said] = shown.findings;
  return shown.code === "EK_CERTIFICATE_KEY_WRONG" ? { expected: said?.expected ?? ekName, found: said?.found ?? "another key" } : null;
}

/** The word that PCR 11 ends in, by the release: the rule compared digests, and the log's own text may say another. */
function lastWord(boot: MeasuredBoot, image: ReleaseImage): string {
  const rule = image.pcrs["11"];
  const said = boot.get(11)?.events.filter((e) => e.log === "userspace").length ?? 0;
  return rule?.rule === "words" ? (rule.words[said - 1] ?? "") : "";
}
