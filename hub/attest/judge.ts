import type { ReleaseImage } from "../../proto/release/release.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { checkBinding, checkClaims } from "./binding.ts";
import { checkBootFailed } from "./boot-failed.ts";
import { checkChallenge } from "./challenge.ts";
import { checkAk, checkEk } from "./keys.ts";
import { matchRelease } from "./match-release.ts";
import { type MeasuredBoot, pcrValues, replayBoot } from "./measured-boot.ts";
import { checkQuote } from "./quote.ts";
import { Refusal } from "./refusal.ts";
import { checkSecureBoot } from "./secure-boot.ts";
import { checkSeparators } from "./separators.ts";
import { checkSizes } from "./sizes.ts";
import type { AttestedFacts, Challenge, Known, UnverifiedEvidence, Verdict } from "./types.ts";

/**
 * Judges one answer to one challenge. Pure: the same arguments give the same verdict. The order costs a stranger little
 * and nothing can be switched off. Evidence passes only if all of this holds:
 *
 * 1. Every part is within its size (P16).
 * 2. The EK is a restricted decryption key of its TPM (P9, the key alone), the AK a restricted signing key of its TPM with
 *    one scheme over SHA-256 or better (P8). Their Names are made from their bytes.
 * 3. The challenge's secret came back, and before the challenge's end (P5).
 * 4. Signature and attestation parse to their end, and the AK signed them in its own scheme (P22).
 * 5. The TPM made it (P1), it is a quote (P2) by a key that the TPM calls by the AK's Name under the endorsement hierarchy
 *    (P8), over exactly the SHA-256 bank's quoted PCRs by the signed selection (P3, P20).
 * 6. Its extraData binds nonce, verifier, claims and both logs (P5, P6).
 * 7. The claims are this cluster's, and their TLS key is the peer's where there is a peer (P6).
 * 8. Both logs parse to their end (P16, P17) and add up to the quoted digest, made with the AK's hash (P4, P13, P14, P18, P21).
 * 9. PCR 0–7 have one good separator each (P11), and Secure Boot was on (P10).
 * 10. PCR 11 doesn't say that the machine gave up.
 * 11. A current release has an image that every quoted PCR fits by its rule (P15); its role is the claimed and the pinned one, and
 *     the firmware is the one recorded at the approval.
 */
export function judge(evidence: UnverifiedEvidence, challenge: Challenge, known: Known): Verdict {
  try {
    return { ok: true, facts: attest(evidence, challenge, known) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message, findings: error.findings };
    // A fault of ours that a stranger found: it is a refusal of his evidence, not the end of the hub (P29b).
    return { ok: false, code: "JUDGE_FAILED", message: `A check broke: ${error instanceof Error ? error.message : String(error)}`, findings: [] };
  }
}

function attest(evidence: UnverifiedEvidence, challenge: Challenge, known: Known): AttestedFacts {
  checkSizes(evidence);
  checkEk(evidence.ekPublic);
  const ak = checkAk(evidence.akPublic);
  checkChallenge(evidence.secret, challenge, known.now);
  const quote = checkQuote(ak, evidence.akPublic, evidence.quote, evidence.signature);
  checkBinding(quote.extraData, evidence, challenge);
  const claims = checkClaims(evidence.claims, known);
  const boot = replayBoot(evidence, quote.pcrDigest, ak.scheme.hash);
  checkSeparators(boot);
  checkSecureBoot(boot);
  checkBootFailed(boot);
  const { release, image } = matchRelease(boot, claims.role, known);
  return {
    claims,
    ekName: toHex(nameOf(evidence.ekPublic)),
    akName: toHex(nameOf(evidence.akPublic)),
    release,
    image,
    phase: lastWord(boot, image),
    anchor: known.pinnedRole === null ? "none" : "pinned",
    pcrs: pcrValues(boot),
    clock: quote.clock,
  };
}

/** The word that PCR 11 ends in, by the release: the rule compared digests, and the log's own text may say another. */
function lastWord(boot: MeasuredBoot, image: ReleaseImage): string {
  const rule = image.pcrs["11"];
  const said = boot.get(11)?.events.filter((e) => e.log === "userspace").length ?? 0;
  return rule?.rule === "words" ? (rule.words[said - 1] ?? "") : "";
}
