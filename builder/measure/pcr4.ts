import type { ExpectedEvent } from "../../proto/release/release.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { event } from "./event.ts";

/** EV_SEPARATOR's data when nothing went wrong (TCG PC Client PFP §3.3.4). */
export const SEPARATOR: Uint8Array = new Uint8Array(4);

/**
 * PCR 4 where firmware starts our UKI itself with Secure Boot on: the boot attempt, the separator, the image. The kernel
 * inside isn't measured again: the stub's security override stands before the measuring handler. `authenticode` is the UKI's Authenticode SHA-256.
 */
export function expectPcr4(authenticode: Uint8Array): readonly ExpectedEvent[] {
  return [
    event("EV_EFI_ACTION", utf8("Calling EFI Application from Boot Option"), "firmware starts the first boot option"),
    event("EV_SEPARATOR", SEPARATOR, "end of the firmware's own part"),
    { type: "EV_EFI_BOOT_SERVICES_APPLICATION", digest: toHex(authenticode), what: "the UKI, as Authenticode hashes it" },
  ];
}
