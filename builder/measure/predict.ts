import type { PcrRule } from "../../proto/release/release.ts";
import { parsePe } from "../pe/parse.ts";
import { authenticodeDigest } from "../sign/authenticode-digest.ts";
import type { SecureBootKeys } from "../efi/secure-boot-variables.ts";
import { valueAfter } from "./event.ts";
import { expectPcr11, measuredSections, PCR11_EARLIEST, PCR11_WORDS } from "./pcr11.ts";
import { expectPcr4 } from "./pcr4.ts";
import { expectPcr7 } from "./pcr7.ts";

/**
 * What the TPM of a QEMU guest must say after booting this signed UKI with these keys: a rule for every PCR that is
 * quoted (DESIGN §2.5). Computed from files alone; `stub` is the stub's major version where it isn't to be what the file says. Throws PeError.
 */
export function predictPcrs(uki: Uint8Array, keys: SecureBootKeys, stub?: number): Readonly<Record<string, PcrRule>> {
  const image = parsePe(uki);
  const exact = (events: ReturnType<typeof expectPcr4>): PcrRule => ({ rule: "exact", events: [...events], value: valueAfter(events) });
  return {
    // Firmware's own code, settings and option ROMs: the hypervisor's business, recorded at approval.
    "0": { rule: "pinned" },
    "1": { rule: "pinned" },
    "2": { rule: "pinned" },
    "3": { rule: "pinned" },
    "4": exact(expectPcr4(authenticodeDigest(image))),
    // GPT and ExitBootServices; resume events; the stub's own cpio and command line, whose parts PCR 11 and 12 cover.
    "5": { rule: "replayed" },
    "6": { rule: "replayed" },
    "7": exact(expectPcr7(keys)),
    "9": { rule: "replayed" },
    "11": { rule: "words", events: [...expectPcr11(measuredSections(image, stub))], words: [...PCR11_WORDS], earliest: PCR11_EARLIEST },
    // Nothing was handed to the stub: no command line, add-on, credential, extension; no shim either.
    "12": { rule: "zero" },
    "13": { rule: "zero" },
    "14": { rule: "zero" },
  };
}
