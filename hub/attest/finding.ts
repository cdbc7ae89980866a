import { toHex } from "../../proto/wire/hex.ts";
import { ATTEST_CODES, type AttestCode } from "./codes.ts";
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

/** Where the code says more than the PCR. */
const AREAS: Readonly<Partial<Record<AttestCode, string>>> = {
  PHASE_WRONG: "words of the start",
  BARRIER_MISSING: "barrier between firmware and system",
  QUIRK_REFUSED: "a quirk of the firmware",
};

/** A difference in words, for machines and for people. Everything shown of the log is escaped. */
export function toFinding(d: Difference): Finding {
  const known = PCRS[d.pcr];
  const area = d.area ?? AREAS[d.code] ?? known?.what ?? "unnamed PCR";
  // The words have a cause of their own, though they share PCR 11 with the sections.
  const cause = d.code === "PCR_MISMATCH" || d.code === "PCR_NOT_ZERO" || d.code === "FIRMWARE_CHANGED" ? known?.cause : undefined;
  return {
    code: d.code,
    pcr: d.pcr,
    index: d.index,
    what: d.expected === null ? area : `${area}: ${d.expected.what}`,
    expected: d.expected === null ? nothing(d) : `${d.expected.digest} (${d.expected.what})`,
    found: d.found === null && d.code === "FIRMWARE_CHANGED" ? "no such event now" : foundText(d.found),
    cause: cause ?? ATTEST_CODES[d.code].cause,
  };
}

/** Where a finding is, for a sentence. */
export function placeOf(finding: Pick<Finding, "pcr" | "index">): string {
  if (finding.pcr < 0) return "The boot as a whole";
  return finding.index < 0 ? `PCR ${finding.pcr}` : `PCR ${finding.pcr}, event ${finding.index}`;
}

function nothing(d: Difference): string {
  if (d.code === "NO_RULE") return "a rule in the release";
  if (d.code === "FIRMWARE_CHANGED") return d.index < 0 ? "a value recorded at the approval" : "no such event at the approval";
  if (d.code === "BARRIER_MISSING") return "the word os-separator";
  if (d.code === "QUIRK_REFUSED") return "a log by the book, or an image that lists the quirk";
  if (d.code === "SECURE_BOOT_POLICY_WRONG") return "no other entry";
  return d.code === "PCR_NOT_ZERO" ? "nothing, ever" : "nothing more";
}

function foundText(found: Difference["found"]): string {
  if (found === null) return "nothing more";
  if (typeof found === "string") return found;
  if (found instanceof Uint8Array) return toHex(found);
  return `${toHex(found.digest)} (${describeMeasured(found)})`;
}
