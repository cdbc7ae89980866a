import { Refusal } from "./refusal.ts";
import type { LastClock, QuoteClock } from "./types.ts";

/**
 * Where a quote's clock stands against another one of the same TPM. younger: made after it. same: equal in all that is compared. older: made
 * before it, or by an older copy of the TPM's state. forked: one reset of the TPM with two boots, which no order explains.
 */
export type ClockOrder = "younger" | "same" | "older" | "forked";

/**
 * Compares clocks of one TPM (DESIGN §2.11). One resetCount is one boot: its clock grows, its restartCount doesn't fall, and its boot id
 * stays. Across a reset nothing of the clock is compared, since a power cut may lose some of it. Where none is known (null), every one is younger.
 */
export function compareClock(clock: Omit<QuoteClock, "safe">, bootId: string, last: LastClock | null): ClockOrder {
  if (last === null) return "younger";
  if (clock.resetCount !== last.resetCount) return clock.resetCount > last.resetCount ? "younger" : "older";
  if (bootId !== last.bootId) return "forked";
  if (clock.clock < last.clock || clock.restartCount < last.restartCount) return "older";
  return clock.clock === last.clock ? "same" : "younger";
}

/**
 * That this quote is younger than the last one known when its challenge was made (P23, P24): the quote was made after that, so in whatever order
 * evidence arrives, only an older copy of the TPM's state can fail here. The counts are the TPM's own, because the attestation
 * key lies under the endorsement hierarchy (checkQuote). Both codes mean quarantine. Throws Refusal.
 */
export function checkClock(clock: QuoteClock, bootId: string, last: LastClock | null): void {
  if (last === null) return;
  switch (compareClock(clock, bootId, last)) {
    case "younger":
      return;
    case "forked":
      throw new Refusal("CLOCK_FORKED");
    case "same":
    case "older":
      throw new Refusal("CLOCK_WENT_BACK", whatWentBack(clock, last));
  }
}

/** The greatest of both in each part; the boot is that of the later reset. Never below `last`. */
export function raiseClock(last: LastClock | null, seen: LastClock): LastClock {
  if (last === null || seen.resetCount > last.resetCount) return seen;
  if (seen.resetCount < last.resetCount) return last;
  return {
    clock: seen.clock > last.clock ? seen.clock : last.clock,
    resetCount: last.resetCount,
    restartCount: Math.max(seen.restartCount, last.restartCount),
    bootId: last.bootId,
  };
}

function whatWentBack(clock: QuoteClock, last: LastClock): string {
  if (clock.resetCount < last.resetCount) return `The TPM counts ${clock.resetCount} resets, but had counted ${last.resetCount}.`;
  if (clock.clock <= last.clock) return "The TPM's clock stands or went back within one boot.";
  return "The TPM counts fewer restarts than before within one boot.";
}
