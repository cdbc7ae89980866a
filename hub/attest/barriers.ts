import { OS_SEPARATOR_PCRS, OS_SEPARATOR_WORD } from "../../proto/eventlog/userspace.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import type { MeasuredBoot, MeasuredEvent } from "./measured-boot.ts";
import { Refusal } from "./refusal.ts";

const BARRIER = sha256(utf8(OS_SEPARATOR_WORD));
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
      if (events.some(isBarrier)) throw wrong(pcr, "has a barrier, which isn't extended there");
      continue;
    }
    const fault = findFault(pcr, events);
    if (fault !== undefined) throw wrong(pcr, fault);
    if (events.some(isBarrier)) having.push(pcr);
  }
  const missing = OS_SEPARATOR_PCRS.filter((pcr) => boot.has(pcr) && !having.includes(pcr));
  if (having.length > 0 && missing.length > 0) throw wrong(missing[0] ?? 0, "has no barrier, though others have");
  return having.length > 0;
}

function findFault(pcr: number, events: readonly MeasuredEvent[]): string | undefined {
  let barriers = 0;
  let nvEnded = false;
  for (const measured of events) {
    const is = isBarrier(measured);
    if (measured.log === "firmware") {
      if (is) return "has a barrier in the firmware's log";
      continue;
    }
    const { eventType } = measured.record;
    if (is !== (eventType === OS_SEPARATOR_WORD)) return is ? "has a barrier under another type" : "has something else under the barrier's type";
    if (is) barriers++;
    else if (ALSO[pcr]?.includes(eventType) !== true) return "was extended by userspace with something else than its barrier";
    else if (nvEnded) return "has records of NV indexes after their separator";
    else nvEnded = eventType === "nvpcr-separator";
  }
  return barriers > 1 ? `has ${barriers} barriers` : undefined;
}

function wrong(pcr: number, fault: string): Refusal {
  return new Refusal("BARRIER_WRONG", `PCR ${pcr} ${fault}.`);
}
