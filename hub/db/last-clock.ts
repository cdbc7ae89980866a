import { z } from "zod";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import type { LastClock } from "../attest/types.ts";

const MAX_BYTES = 512;
/** TPMS_CLOCK_INFO with the boot that claimed it; the clock in decimal, since JSON has no 64-bit numbers. */
const clockSchema = z.strictObject({
  clock: z.string().regex(/^\d{1,20}$/),
  resetCount: z.int().nonnegative(),
  restartCount: z.int().nonnegative(),
  bootId: z.string().max(128),
});

/** The column `last_clock` as text. */
export function encodeClock({ clock, resetCount, restartCount, bootId }: LastClock): string {
  return JSON.stringify({ clock: String(clock), resetCount, restartCount, bootId });
}

/** The column's text as a clock. Throws WireError: the file may have been edited by hand. */
export function decodeClock(text: string): LastClock {
  const stored = parseJson(clockSchema, utf8(text), MAX_BYTES);
  return { ...stored, clock: BigInt(stored.clock) };
}
