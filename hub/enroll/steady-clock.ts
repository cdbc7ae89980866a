import type { Clock } from "../ports.ts";

/** A clock whose date never goes back while the hub runs. */
export interface SteadyClock extends Clock {
  /** The date was at least this already. */
  atLeast(wallMs: number): void;
}

/**
 * The highest date seen so far (DESIGN §2.16): a wall clock that is set back must not make certificates and approvals
 * "not yet valid", which would look like a cluster without any approval, and must not revive what has expired.
 */
export function steadyClock(clock: Clock): SteadyClock {
  let highest = 0;
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => (highest = Math.max(highest, clock.wallMs())),
    atLeast: (wallMs) => void (highest = Math.max(highest, wallMs)),
  };
}
