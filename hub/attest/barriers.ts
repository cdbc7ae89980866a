import { OS_SEPARATOR_PCRS, OS_SEPARATOR_WORD } from "../../proto/eventlog/userspace.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { type Expected, NOTHING_MORE } from "./difference.ts";
import type { MeasuredBoot, MeasuredEvent } from "./measured-boot.ts";
import { type Refusal, refuseEvent } from "./refusal.ts";

const BARRIER = sha256(utf8(OS_SEPARATOR_WORD));
const THE_BARRIER: Expected = { digest: toHex(BARRIER), what: `the word ${OS_SEPARATOR_WORD}`, type: OS_SEPARATOR_WORD };
/** What userspace may extend beside the barrier (P12): systemd's NV indexes into 9. PCR 11's words are a rule's business. */
const ALSO: Readonly<Record<number, readonly string[]>> = { 9: ["nvpcr-init", "nvpcr-separator"] };

/** Whether an event is the barrier, by its digest. */
export function isBarrier(measured: MeasuredEvent): boolean {
  return measured.digest[0] === BARRIER[0] && Buffer.compare(measured.digest, BARRIER) === 0;
}

/**
 * Userspace's part of the firmware's PCRs (P13): nothing (systemd up to 260), or the word `os-separator` exactly once in every one of
 * its PCRs (261 and later) and nothing else there, neither before nor after it. Known by its digest, under its own type, from the
 * userspace log alone; in PCR 9 the records of NV indexes end with their own separator. Returns whether the barrier is there.
 * Throws Refusal `BARRIER_WRONG`.
 */
export function checkBarriers(boot: MeasuredBoot): boolean {
  const having: number[] = [];
  for (const { pcr, events } of boot.values()) {
    if (pcr === 11) {
      const index = events.findIndex(isBarrier);
      if (index >= 0) throw wrong(pcr, events, { index, why: "has a barrier, which isn't extended there", expected: "no barrier" });
      continue;
    }
    const fault = findFault(pcr, events);
    if (fault !== undefined) throw wrong(pcr, events, fault);
    if (events.some(isBarrier)) having.push(pcr);
  }
  const [missing] = OS_SEPARATOR_PCRS.filter((pcr) => boot.has(pcr) && !having.includes(pcr));
  if (having.length > 0 && missing !== undefined) {
    const events = boot.get(missing)?.events ?? [];
    throw wrong(missing, events, { index: events.length, why: "has no barrier, though others have", expected: THE_BARRIER });
  }
  return having.length > 0;
}

interface BarrierFault {
  readonly index: number;
  readonly why: string;
  readonly expected: Expected;
}

function findFault(pcr: number, events: readonly MeasuredEvent[]): BarrierFault | undefined {
  const barriers: number[] = [];
  let nvEnded = false;
  for (const [index, measured] of events.entries()) {
    const is = isBarrier(measured);
    if (measured.log === "firmware") {
      if (is) return { index, why: "has a barrier in the firmware's log", expected: "no barrier from the firmware" };
      continue;
    }
    const { eventType } = measured.record;
    if (is !== (eventType === OS_SEPARATOR_WORD)) {
      return { index, why: is ? "has a barrier under another type" : "has something else under the barrier's type", expected: THE_BARRIER };
    }
    if (is) barriers.push(index);
    else if (ALSO[pcr]?.includes(eventType) !== true) return { index, why: "was extended by userspace with something else than its barrier", expected: "nothing else than the barrier" };
    else if (nvEnded) return { index, why: "has records of NV indexes after their separator", expected: "no more records of NV indexes" };
    else nvEnded = eventType === "nvpcr-separator";
  }
  const [, second] = barriers;
  return second === undefined ? undefined : { index: second, why: `has ${barriers.length} barriers`, expected: "one barrier alone" };
}

function wrong(pcr: number, events: readonly MeasuredEvent[], { index, why, expected }: BarrierFault): Refusal {
  return refuseEvent("BARRIER_WRONG", { pcr, index, expected, found: events[index] ?? NOTHING_MORE }, `PCR ${pcr} ${why}.`);
}
