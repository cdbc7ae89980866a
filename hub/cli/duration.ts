import { z } from "zod";

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Text like 90s, 15m, 24h or 7d → seconds, at least 1. */
export const durationText = z
  .string()
  .regex(/^[1-9][0-9]{0,5}[smhd]$/, "must be a number and a unit, like 90s, 15m, 24h or 7d")
  .transform((text) => Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? 1));
