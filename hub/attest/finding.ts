import { toHex } from "../../proto/wire/hex.ts";
import { ATTEST_CODES } from "./codes.ts";
import { describeMeasured } from "./measured-boot.ts";
import type { Difference } from "./pcr-rules.ts";
import type { Finding } from "./types.ts";

/** What each PCR stands for where it differs from a release, and why it usually does. */
const PCRS: Readonly<Record<number, { readonly what: string; readonly cause: string }>> = {
  0: { what: "firmware code", cause: "The firmware was updated, or the virtual machine's memory size changed." },
  1: { what: "firmware settings", cause: "Boot order, hardware or firmware settings changed." },
  2: { what: "option ROMs", cause: "A card with its own firmware was added or removed." },
  3: { what: "option ROM settings", cause: "A card's settings changed." },
  4: { what: "started image", cause: "The started UKI isn't the release's file: the image was altered, or comes from another release." },
  7: { what: "Secure Boot policy", cause: "Secure Boot's keys, its forbidden list or the certificate that allowed the image aren't the stamped ones." },
  11: { what: "contents of the UKI", cause: "A section of the started UKI isn't the release's: the image was altered, or comes from another release." },
  12: { what: "boot parameters from outside", cause: "Whoever owns the hypervisor or the boot partition handed over a command line, a credential or an add-on." },
  13: { what: "system extensions", cause: "An extension image was put on the boot partition." },
  14: { what: "shim's keys", cause: "A shim was started, which no kubedos image has." },
};

/** A difference in words, for machines and for people. Everything shown of the log is escaped. */
export function toFinding(d: Difference): Finding {
  const known = PCRS[d.pcr];
  const area = d.code === "PHASE_WRONG" ? "words of the start" : (known?.what ?? "unnamed PCR");
  // The words have a cause of their own, though they share PCR 11 with the sections.
  const cause = d.code === "PCR_MISMATCH" || d.code === "PCR_NOT_ZERO" || d.code === "FIRMWARE_CHANGED" ? known?.cause : undefined;
  return {
    code: d.code,
    pcr: d.pcr,
    index: d.index,
    what: d.expected === null ? area : `${area}: ${d.expected.what}`,
    expected: d.expected === null ? nothing(d) : `${d.expected.digest} (${d.expected.what})`,
    found: foundText(d.found),
    cause: cause ?? ATTEST_CODES[d.code].cause,
  };
}

/** Where a finding is, for a sentence. */
export function placeOf(finding: Pick<Finding, "pcr" | "index">): string {
  return finding.index < 0 ? `PCR ${finding.pcr}` : `PCR ${finding.pcr}, event ${finding.index}`;
}

function nothing(d: Difference): string {
  if (d.code === "NO_RULE") return "a rule in the release";
  if (d.code === "FIRMWARE_CHANGED") return "a value recorded at the approval";
  return d.code === "PCR_NOT_ZERO" ? "nothing, ever" : "nothing more";
}

function foundText(found: Difference["found"]): string {
  if (found === null) return "nothing more";
  if (found instanceof Uint8Array) return toHex(found);
  return `${toHex(found.digest)} (${describeMeasured(found)})`;
}
