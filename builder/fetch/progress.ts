import type { Report } from "../toolchain/report.ts";

/** How often people hear of a long transfer. */
const EVERY_MS = 5_000;

/** Counts bytes towards a sum. */
export interface Progress {
  /** Negative where bytes were counted that turned out to be of no use. */
  readonly add: (bytes: number) => void;
}

/** Reports "what: 1.2 of 3.4 GB, 56 MB/s, 40 s left" every few seconds of a longer transfer; `now` in milliseconds. */
export function makeProgress(report: Report, what: string, total: number, now: () => number = () => performance.now()): Progress {
  const start = now();
  let [done, told] = [0, start];
  return {
    add(bytes) {
      done += bytes;
      const at = now();
      if (at - told < EVERY_MS) return;
      told = at;
      const perSecond = done / ((at - start) / 1000);
      const left = perSecond > 0 ? `, ${describeSeconds((total - done) / perSecond)} left` : "";
      report(`${what}: ${describeBytes(done)} of ${describeBytes(total)}, ${describeBytes(perSecond)}/s${left}`);
    },
  };
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** "3.4 GB": three digits at most, decimal units. */
export function describeBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** "40 s", "12 min", "3.5 h". */
export function describeSeconds(seconds: number): string {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
