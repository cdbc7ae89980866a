import { printable } from "../../proto/eventlog/printable.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ATTEST_CODES, type AttestCode } from "./codes.ts";
import type { Difference, EventDifference, Expected, PcrDifference } from "./difference.ts";
import { describeMeasured } from "./measured-boot.ts";

/** What evidence is judged in beside PCRs, by the name that machines read. Part of the evidence, then what it is held against. */
export const EVIDENCE_FIELDS = [
  ...(["ek.public", "ek.attributes", "ek.algorithm", "ek.certificate", "ak.public", "ak.attributes", "ak.algorithm", "ak.scheme", "secret", "signature"] as const),
  ...(["quote", "quote.magic", "quote.type", "quote.signer", "quote.selection", "quote.extraData", "quote.pcrDigest", "quote.clock"] as const),
  ...(["claims", "claims.cluster", "claims.role", "claims.bootId", "claims.tls", "firmwareLog", "firmwareLog.banks", "firmwareLog.quirk", "firmwareLog.startupLocality", "userspaceLog"] as const),
  ...(["challenge", "challenge.keys", "challenge.nonce", "challenge.verifier", "challenge.time", "release", "slot.role", "check"] as const),
] as const;
/** See {@link EVIDENCE_FIELDS}. */
export type EvidenceField = (typeof EVIDENCE_FIELDS)[number];

/** Where a finding is: at one event of a PCR, in a PCR's whole value, or in a field that no PCR holds. */
export type Place =
  /** `index`: number of the event within its PCR, from 0. `type`: its type in its log, empty where that isn't known. */
  | { readonly at: "event"; readonly pcr: number; readonly index: number; readonly type: string }
  | { readonly at: "pcr"; readonly pcr: number }
  | { readonly at: "field"; readonly field: EvidenceField };

/** One difference between what is expected of a machine and what it showed, for machines and in words; safe to show, and without any secret. */
export type Finding = Place & {
  readonly code: AttestCode;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  /** What usually causes it. */
  readonly cause: string;
};

/** What each PCR stands for where it differs from a release, and why it usually does. */
const PCRS: Readonly<Record<number, { readonly what: string; readonly cause: string }>> = {
  0: { what: "firmware code", cause: "The firmware was updated, or the virtual machine's memory size changed." },
  1: { what: "firmware settings", cause: "Boot order, hardware or firmware settings changed." },
  2: { what: "option ROMs", cause: "A card with its own firmware was added or removed." },
  3: { what: "option ROM settings", cause: "A card's settings changed." },
  4: { what: "started image", cause: "The started UKI isn't the release's file: the image was altered, or comes from another release." },
  5: { what: "partition table and boot attempts", cause: "The log was edited, or the firmware measures late." },
  6: { what: "the platform maker's own events", cause: "The log was edited, or the firmware measures late." },
  7: { what: "Secure Boot policy", cause: "Secure Boot's keys, its forbidden list or the certificate that allowed the image aren't the stamped ones." },
  9: { what: "what the kernel's stub loaded", cause: "Something in the running system extended it." },
  11: { what: "contents of the UKI", cause: "A section of the started UKI isn't the release's: the image was altered, or comes from another release." },
  12: { what: "boot parameters from outside", cause: "Whoever owns the hypervisor or the boot partition handed over a command line, a credential or an add-on." },
  13: { what: "system extensions", cause: "An extension image was put on the boot partition." },
  14: { what: "shim's keys", cause: "A shim was started, which no kubedos image has." },
};

/** Where the code says more than the PCR. */
const AREAS: Readonly<Partial<Record<AttestCode, string>>> = {
  PHASE_WRONG: "words of the start",
  BOOT_FAILED: "the machine's own word about its start",
  BARRIER_MISSING: "barrier between firmware and system",
  BARRIER_WRONG: "barrier between firmware and system",
};
/** Where the PCR says more than the code; the words of PCR 11 have a cause of their own, though they share it with the sections. */
const CAUSE_BY_PCR: readonly AttestCode[] = ["PCR_MISMATCH", "PCR_NOT_ZERO", "FIRMWARE_CHANGED"];

/** A difference in words. Whatever comes from a machine is escaped and bounded. */
export function toFinding(d: Difference): Finding {
  const { code } = d;
  if (d.at === "field") {
    const { field, area, expected, found } = d;
    return { at: "field", code, field, what: area, expected: printable(expected), found: printable(found), cause: ATTEST_CODES[code].cause };
  }
  const known = PCRS[d.pcr];
  const area = d.area ?? AREAS[code] ?? known?.what ?? "unnamed PCR";
  const words = {
    what: typeof d.expected === "string" ? area : `${area}: ${d.expected.what}`,
    expected: expectedText(d.expected),
    found: foundText(d.found),
    cause: (CAUSE_BY_PCR.includes(code) ? known?.cause : undefined) ?? ATTEST_CODES[code].cause,
  };
  return d.at === "pcr" ? { at: "pcr", code, pcr: d.pcr, ...words } : { at: "event", code, pcr: d.pcr, index: d.index, type: typeOf(d), ...words };
}

/** Where a finding is, for a sentence. */
export function placeOf(place: Place): string {
  switch (place.at) {
    case "event":
      return `PCR ${place.pcr}, event ${place.index}`;
    case "pcr":
      return `PCR ${place.pcr}`;
    case "field":
      return place.field;
    default:
      return place satisfies never;
  }
}

function typeOf({ type, found, expected }: EventDifference): string {
  if (typeof found !== "string") return found.log === "firmware" ? found.event.typeName : printable(found.record.eventType);
  return typeof expected === "string" ? (type ?? "") : (expected.type ?? type ?? "");
}

function expectedText(expected: Expected): string {
  return typeof expected === "string" ? expected : `${expected.digest} (${expected.what})`;
}

function foundText(found: EventDifference["found"] | PcrDifference["found"]): string {
  if (typeof found === "string") return found;
  if (found instanceof Uint8Array) return toHex(found);
  return `${toHex(found.digest)} (${describeMeasured(found)})`;
}
