import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import type { Quirk } from "../../proto/eventlog/quirk.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import type { MeasuredBoot, MeasuredEvent } from "./measured-boot.ts";
import { Refusal } from "./refusal.ts";

const GOOD = sha256(new Uint8Array(4));
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
    if (fault !== undefined) throw new Refusal("SEPARATOR_WRONG", `PCR ${pcr} ${fault}.`);
    if (pcr === READ_ELSEWHERE) continue;
    for (const late of eventsAfter(events)) {
      if (AFTER[pcr]?.includes(late.type) === true) continue;
      if (pcr !== 2 || late.type !== AMD_TYPE || !allowed.has("amd-pcr2-after-separator")) {
        throw new Refusal("POST_SEPARATOR_EVENT", `PCR ${pcr} has an event of type ${late.typeName} after its separator.`);
      }
      amd = true;
    }
  }
  return amd ? ["amd-pcr2-after-separator"] : [];
}

function findSeparatorFault(events: readonly MeasuredEvent[]): string | undefined {
  let count = 0;
  for (const measured of events) {
    const isTyped = measured.log === "firmware" && measured.event.type === EVENT_TYPE.EV_SEPARATOR;
    const isGood = same(measured.digest, GOOD);
    if (same(measured.digest, ERROR) || same(measured.digest, ERROR_AFTER_GOOD)) return "has the separator of a firmware error";
    if (isTyped !== isGood) return isTyped ? "has a separator of another value" : "has a separator under another type";
    if (isGood && (measured.log !== "firmware" || measured.event.data.some((b) => b !== 0))) return "has a separator whose data isn't what was measured";
    if (isGood) count++;
  }
  if (count === 1) return undefined;
  return count === 0 ? "has no separator" : `has ${count} separators`;
}

function eventsAfter(events: readonly MeasuredEvent[]): readonly { readonly type: number; readonly typeName: string }[] {
  const firmware = events.flatMap((e) => (e.log === "firmware" ? [e.event] : []));
  return firmware.slice(firmware.findIndex((e) => e.type === EVENT_TYPE.EV_SEPARATOR) + 1);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  // Most digests differ in their first byte; nothing here is secret.
  return a[0] === b[0] && Buffer.compare(a, b) === 0;
}
