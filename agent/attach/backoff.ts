const FIRST_MS = 500;
const MAX_MS = 15_000;

/**
 * Pause before attempt `n` (0 is the first retry): doubles from 0.5 s to 15 s, then a random half of it is taken off, so
 * that a thousand agents don't return in one second. `random` is in [0, 1).
 */
export function backoffMs(n: number, random: number, maxMs: number = MAX_MS): number {
  const full = Math.min(maxMs, FIRST_MS * 2 ** Math.min(n, 16));
  return Math.round(full * (1 - random / 2));
}
