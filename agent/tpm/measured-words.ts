import { PHASE_WORDS } from "../../proto/evidence/limits.ts";
import { extendAll } from "../../proto/eventlog/replay.ts";
import { equalBytes, sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { AgentError } from "../error.ts";

/** A word that can stand in PCR 11 (DESIGN §2.5). */
export type PhaseWord = (typeof PHASE_WORDS)[number];

/** The initrd's own words; the agent doesn't run before both are extended. */
const INITRD_WORDS = 2;

/**
 * How many of {@link PHASE_WORDS} PCR 11 holds: the number k for which `afterFirmware`, extended by the first k words, is
 * `pcr11`. The TPM's answer is the only record of "was the word extended before the agent was killed?" that can't be
 * behind or ahead. Throws {@link AgentError} `PCR_UNEXPLAINED` where no k fits, also after `kubedos-failed`.
 */
export function countWords(pcr11: Uint8Array, afterFirmware: Uint8Array): number {
  for (let k = INITRD_WORDS; k <= PHASE_WORDS.length; k++) {
    const words = PHASE_WORDS.slice(0, k).map((word) => sha256(utf8(word)));
    if (equalBytes(extendAll("sha256", afterFirmware, words), pcr11)) return k;
  }
  throw new AgentError("PCR_UNEXPLAINED", `PCR 11 is ${toHex(pcr11)}, which neither the firmware's log nor the known words explain`);
}
