import { type FieldFault, type Refusal, refuseField } from "./refusal.ts";
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
      throw forked(clock.resetCount, bootId, last);
    case "same":
    case "older":
      throw refuseField("CLOCK_WENT_BACK", "quote.clock", { ...whatWentBack(clock, last), what: "the TPM's clock and counters" });
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

/** The refusal of one of two boots on one reset of a TPM. */
export function forked(resetCount: number, bootId: string, last: LastClock): Refusal {
  return refuseField("CLOCK_FORKED", "claims.bootId", { what: `boot on the TPM's reset ${resetCount}`, expected: last.bootId, found: bootId });
}

function whatWentBack(clock: QuoteClock, last: LastClock): Pick<FieldFault, "expected" | "found" | "detail"> {
  const within = `in reset ${last.resetCount}`;
  if (clock.resetCount < last.resetCount) {
    const detail = `The TPM counts ${clock.resetCount} resets, but had counted ${last.resetCount}.`;
    return { expected: `at least ${last.resetCount} resets`, found: `${clock.resetCount} resets`, detail };
  }
  if (clock.clock <= last.clock) {
    return { expected: `a clock of more than ${last.clock} ms ${within}`, found: `${clock.clock} ms`, detail: "The TPM's clock stands or went back within one boot." };
  }
  const detail = "The TPM counts fewer restarts than before within one boot.";
  return { expected: `at least ${last.restartCount} restarts ${within}`, found: `${clock.restartCount} restarts`, detail };
}
