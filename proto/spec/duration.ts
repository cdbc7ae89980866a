import { z } from "zod";

const MS_PER: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "90s", "15m", "2h" or "7d" ↔ milliseconds, between two durations. */
export function duration(min: string, max: string) {
  const text = z
    .string()
    .regex(/^[1-9]\d{0,4}[smhd]$/, { error: 'must be a duration like "90s", "15m" or "2h"', abort: true })
    .refine((value) => toMs(value) >= toMs(min), `must be at least ${min}`)
    .refine((value) => toMs(value) <= toMs(max), `must be at most ${max}`);
  return z.codec(text, z.int().positive(), { decode: toMs, encode: formatDuration }).meta({ title: `duration, ${min} to ${max}` });
}

/** Milliseconds → "90s", "15m", "2h" or "7d": the largest unit that divides it. */
export function formatDuration(ms: number): string {
  const unit = ["d", "h", "m"].find((name) => ms % (MS_PER[name] ?? 1) === 0) ?? "s";
  return `${ms / (MS_PER[unit] ?? 1)}${unit}`;
}

function toMs(text: string): number {
  return Number.parseInt(text, 10) * (MS_PER[text.slice(-1)] ?? 1);
}
