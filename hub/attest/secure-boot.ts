import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { EFI_GLOBAL_GUID } from "../../proto/eventlog/guid.ts";
import { parseUefiVariable } from "../../proto/eventlog/uefi-variable.ts";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import type { MeasuredBoot } from "./measured-boot.ts";
import { Refusal } from "./refusal.ts";

/**
 * The one SecureBoot variable in PCR 7, measured before the separator, says 1 (UEFI 2.10, 3.3). The type isn't in the
 * digest and the data is the log's word, so the digest is made anew from the data (P10). Throws Refusal `SECURE_BOOT_OFF`.
 */
export function checkSecureBoot(boot: MeasuredBoot): void {
  let on = false;
  let separated = false;
  for (const measured of boot.get(7)?.events ?? []) {
    if (measured.log !== "firmware") continue;
    const { type, data } = measured.event;
    if (type === EVENT_TYPE.EV_SEPARATOR) separated = true;
    if (type !== EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG) continue;
    if (!equalBytes(sha256(data), measured.digest)) throw new Refusal("SECURE_BOOT_OFF", "A variable in PCR 7 isn't the one that was measured.");
    const value = readSecureBoot(data);
    if (value === undefined) continue;
    if (on || separated || value.length !== 1 || value[0] !== 1) throw new Refusal("SECURE_BOOT_OFF");
    on = true;
  }
  if (!on) throw new Refusal("SECURE_BOOT_OFF", "The log doesn't say that Secure Boot was on.");
}

function readSecureBoot(event: Uint8Array): Uint8Array | undefined {
  try {
    const { guid, name, data } = parseUefiVariable(event);
    return guid === EFI_GLOBAL_GUID && name === "SecureBoot" ? data : undefined;
  } catch {
    throw new Refusal("SECURE_BOOT_OFF", "A variable in PCR 7 can't be read.");
  }
}
