import { Refusal } from "./refusal.ts";
import type { Known, QuoteClock } from "./types.ts";

/**
 * That this quote is younger than the last one that passed (P23, P24; DESIGN §2.11). One resetCount is one boot: its clock grows, its
 * restartCount doesn't fall, and its boot id stays. After a reset nothing of the clock is compared, since a power cut may lose some
 * of it; a resetCount that falls is an older copy of the TPM's state. The counts are the TPM's own, because the attestation
 * key lies under the endorsement hierarchy (checkQuote). Both codes mean quarantine. Throws Refusal.
 */
export function checkClock(clock: QuoteClock, bootId: string, last: Known["lastClock"]): void {
  if (last === null || clock.resetCount > last.resetCount) return;
  if (clock.resetCount < last.resetCount) {
    throw new Refusal("CLOCK_WENT_BACK", `The TPM counts ${clock.resetCount} resets, but had counted ${last.resetCount}.`);
  }
  if (bootId !== last.bootId) throw new Refusal("CLOCK_FORKED");
  if (clock.clock <= last.clock) throw new Refusal("CLOCK_WENT_BACK", "The TPM's clock stands or went back within one boot.");
  if (clock.restartCount < last.restartCount) throw new Refusal("CLOCK_WENT_BACK", "The TPM counts fewer restarts than before within one boot.");
}
