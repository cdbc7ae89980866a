import { EVENT_TYPE, eventTypeName } from "../../proto/eventlog/event-type.ts";
import type { Quirk } from "../../proto/eventlog/quirk.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { MeasuredBoot, MeasuredEvent } from "./measured-boot.ts";
import { NOTHING_MORE } from "./difference.ts";
import { refuseEvent } from "./refusal.ts";

const GOOD = sha256(new Uint8Array(4));
const SEPARATOR = { digest: toHex(GOOD), what: "of four zero bytes", type: "EV_SEPARATOR" };
const ERROR = sha256(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
/** Two good ones in a row through one hasher: a parser that forgot to reset it took this for the error's (go-eventlog). */
const ERROR_AFTER_GOOD = sha256(new Uint8Array(4), Uint8Array.of(0xff, 0xff, 0xff, 0xff));
const FIRMWARE_PCRS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];
/** AMD's own type, see the quirk. */
const AMD_TYPE = 0x8401;

/**
 * What may follow the separator (P12; Platform Firmware Profile 1.06, 3.3.4): the boot attempt and its images, the partition table,
 * the way out of boot services; boot variables and SMBIOS, which some measure late.
 * The types aren't authenticated: PCRs with a rule of their own hold the digests against it.
 */
const AFTER: Readonly<Record<number, readonly number[]>> = {
  1: [EVENT_TYPE.EV_EFI_VARIABLE_BOOT, EVENT_TYPE.EV_EFI_VARIABLE_BOOT2, EVENT_TYPE.EV_EVENT_TAG],
  4: [
    EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION,
    EVENT_TYPE.EV_EFI_BOOT_SERVICES_DRIVER,
    EVENT_TYPE.EV_EFI_RUNTIME_SERVICES_DRIVER,
    EVENT_TYPE.EV_EFI_ACTION,
  ],
  5: [EVENT_TYPE.EV_EFI_GPT_EVENT, EVENT_TYPE.EV_EFI_GPT_EVENT2, EVENT_TYPE.EV_EFI_ACTION, EVENT_TYPE.EV_EVENT_TAG],
};
/** PCR 7 is read event by event elsewhere (secure-boot.ts). */
const READ_ELSEWHERE = 7;

/**
 * Exactly one separator in each of PCR 0–7, known by its digest, with the type of one, and none that reports an error (P11); after it
 * only what belongs there (P12). It ends what the firmware says, so a log without it explains nothing: an empty log fails here
 * even on a TPM that nothing was measured into (P14, P20). Returns the quirks that were needed. Throws Refusal `SEPARATOR_WRONG`
 * or `POST_SEPARATOR_EVENT`.
 */
export function checkSeparators(boot: MeasuredBoot, allowed: ReadonlySet<Quirk>): readonly Quirk[] {
  let amd = false;
  for (const pcr of FIRMWARE_PCRS) {
    const events = boot.get(pcr)?.events ?? [];
    const fault = findSeparatorFault(events);
    if (fault !== undefined) {
      const { index, why } = fault;
      throw refuseEvent("SEPARATOR_WRONG", { pcr, index, area: "separator", expected: fault.expected ?? SEPARATOR, found: events[index] ?? NOTHING_MORE }, `PCR ${pcr} ${why}.`);
    }
    if (pcr === READ_ELSEWHERE) continue;
    for (const [index, found] of eventsAfter(events)) {
      const { type, typeName } = found.event;
      if (AFTER[pcr]?.includes(type) === true) continue;
      if (pcr !== 2 || type !== AMD_TYPE || !allowed.has("amd-pcr2-after-separator")) {
        const place = { pcr, index, area: "after the separator" };
        throw refuseEvent("POST_SEPARATOR_EVENT", { ...place, expected: lateText(pcr), found }, `PCR ${pcr} has an event of type ${typeName} after its separator.`);
      }
      amd = true;
    }
  }
  return amd ? ["amd-pcr2-after-separator"] : [];
}

interface SeparatorFault {
  readonly index: number;
  readonly why: string;
  /** Without it: one good separator. */
  readonly expected?: string;
}

function findSeparatorFault(events: readonly MeasuredEvent[]): SeparatorFault | undefined {
  const good: number[] = [];
  for (const [index, measured] of events.entries()) {
    const isTyped = measured.log === "firmware" && measured.event.type === EVENT_TYPE.EV_SEPARATOR;
    const isGood = same(measured.digest, GOOD);
    if (same(measured.digest, ERROR) || same(measured.digest, ERROR_AFTER_GOOD)) return { index, why: "has the separator of a firmware error" };
    if (isTyped !== isGood) return { index, why: isTyped ? "has a separator of another value" : "has a separator under another type" };
    if (isGood && (measured.log !== "firmware" || measured.event.data.some((b) => b !== 0))) return { index, why: "has a separator whose data isn't what was measured" };
    if (isGood) good.push(index);
  }
  if (good.length === 1) return undefined;
  return good[1] === undefined ? { index: events.length, why: "has no separator" } : { index: good[1], why: `has ${good.length} separators`, expected: "one separator alone" };
}

type FirmwareEvent = Extract<MeasuredEvent, { log: "firmware" }>;

/** The firmware's events behind its separator, each with its number in the PCR. */
function eventsAfter(events: readonly MeasuredEvent[]): readonly (readonly [number, FirmwareEvent])[] {
  const firmware = events.flatMap((e, i) => (e.log === "firmware" ? [[i, e] as const] : []));
  return firmware.slice(firmware.findIndex(([, { event }]) => event.type === EVENT_TYPE.EV_SEPARATOR) + 1);
}

function lateText(pcr: number): string {
  const types = (AFTER[pcr] ?? []).map(eventTypeName);
  return types.length === 0 ? NOTHING_MORE : `nothing but ${types.join(", ")}`;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  // Most digests differ in their first byte; nothing here is secret.
  return a[0] === b[0] && Buffer.compare(a, b) === 0;
}
