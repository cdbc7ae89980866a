import { FAILED_WORD } from "../../proto/evidence/limits.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import type { MeasuredBoot } from "./measured-boot.ts";
import { refuseEvent } from "./refusal.ts";

const FAILED = sha256(utf8(FAILED_WORD));

/** No `kubedos-failed` anywhere in PCR 11: a machine that gave itself up is believed (DESIGN §2.2). Throws Refusal `BOOT_FAILED`. */
export function checkBootFailed(boot: MeasuredBoot): void {
  const events = boot.get(11)?.events ?? [];
  const index = events.findIndex((e) => Buffer.compare(e.digest, FAILED) === 0);
  const found = events[index];
  if (found !== undefined) throw refuseEvent("BOOT_FAILED", { pcr: 11, index, expected: "no such event", found });
}
