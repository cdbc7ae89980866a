import { FAILED_WORD } from "../../proto/evidence/limits.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ATTEST_CODES } from "./codes.ts";
import type { MeasuredBoot } from "./measured-boot.ts";
import { Refusal } from "./refusal.ts";

const FAILED = sha256(utf8(FAILED_WORD));

/** No `kubedos-failed` anywhere in PCR 11: a machine that gave itself up is believed (DESIGN §2.2). Throws Refusal `BOOT_FAILED`. */
export function checkBootFailed(boot: MeasuredBoot): void {
  const index = (boot.get(11)?.events ?? []).findIndex((e) => Buffer.compare(e.digest, FAILED) === 0);
  if (index < 0) return;
  const { text, cause } = ATTEST_CODES.BOOT_FAILED;
  throw new Refusal("BOOT_FAILED", text, [
    {
      code: "BOOT_FAILED",
      pcr: 11,
      index,
      what: "the machine's own word about its start",
      expected: "no such event",
      found: `${toHex(FAILED)} (the word "${FAILED_WORD}")`,
      cause,
    },
  ]);
}
