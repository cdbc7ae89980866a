import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import type { MeasuredBoot, MeasuredEvent } from "./measured-boot.ts";
import { Refusal } from "./refusal.ts";

const GOOD = sha256(new Uint8Array(4));
const ERROR = sha256(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
const FIRMWARE_PCRS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

/**
 * Exactly one separator in each of PCR 0–7, known by its digest, with the type of one, and none that reports an error (P11).
 * It ends what the firmware says, so a log without it explains nothing: an empty log fails here even on a TPM that
 * nothing was measured into (P14). Throws Refusal `SEPARATOR_WRONG`.
 */
export function checkSeparators(boot: MeasuredBoot): void {
  for (const pcr of FIRMWARE_PCRS) {
    const fault = findSeparatorFault(boot.get(pcr)?.events ?? []);
    if (fault !== undefined) throw new Refusal("SEPARATOR_WRONG", `PCR ${pcr} ${fault}.`);
  }
}

function findSeparatorFault(events: readonly MeasuredEvent[]): string | undefined {
  let count = 0;
  for (const measured of events) {
    const isTyped = measured.log === "firmware" && measured.event.type === EVENT_TYPE.EV_SEPARATOR;
    const isGood = same(measured.digest, GOOD);
    if (same(measured.digest, ERROR)) return "has the separator of a firmware error";
    if (isTyped !== isGood) return isTyped ? "has a separator of another value" : "has a separator under another type";
    if (isGood) count++;
  }
  if (count === 1) return undefined;
  return count === 0 ? "has no separator" : `has ${count} separators`;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
