import { type EvidenceBinding, evidenceExtraData, extraDataOver } from "../../proto/evidence/extra-data.ts";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { Differences, FieldDifference } from "./difference.ts";
import type { EvidenceField } from "./finding.ts";

/** Each part of the binding, where it stands and what it is called. */
const PARTS = [
  ["nonce", "challenge.nonce", "this challenge's nonce"],
  ["verifier", "challenge.verifier", "cluster and key of this hub"],
  ["claims", "claims", "the claims as they came"],
  ["firmwareLog", "firmwareLog", "the firmware's log as it came"],
  ["userspaceLog", "userspaceLog", "userspace's log as it came"],
] as const satisfies readonly (readonly [keyof EvidenceBinding, EvidenceField, string])[];

const RECORD_SEPARATOR = 0x1e;
/** Ends of userspace's log that are tried; a real one has some twenty records. */
const MAX_ENDS = 128;

/**
 * Which parts of a binding the quote was not made for. One hash covers them all, so this can only be told by what is known beside
 * them: userspace's log as it was some records earlier, and what the last evidence of this EK was bound to (`before`). Where none of that gives
 * the quote's value, all five parts are named with what they should have given.
 */
export function findUnbound(extraData: Uint8Array, asked: EvidenceBinding, before: EvidenceBinding | null): Differences {
  return earlierLog(extraData, asked) ?? earlierParts(extraData, asked, before) ?? [unknown(extraData, asked)];
}

/** The machine logged more between its quote and its answer, or somebody appended records. */
function earlierLog(extraData: Uint8Array, asked: EvidenceBinding): Differences | null {
  const { userspaceLog: log } = asked;
  const digests = { claims: sha256(asked.claims), firmwareLog: sha256(asked.firmwareLog) };
  const ends = [...log.entries()].filter(([, byte]) => byte === RECORD_SEPARATOR).map(([at]) => at);
  for (const end of ends.slice(-MAX_ENDS).reverse()) {
    const whole = extraDataOver(asked, { ...digests, userspaceLog: sha256(log.subarray(0, end)) });
    if (equalBytes(whole, extraData)) return [difference("userspaceLog", "what the quote is bound to", `the log's first ${end} bytes`, `${log.length} bytes, the rest came after the quote`)];
  }
  return null;
}

/** Every choice of parts from the evidence before, the fewest first. */
function earlierParts(extraData: Uint8Array, asked: EvidenceBinding, before: EvidenceBinding | null): Differences | null {
  if (before === null) return null;
  const other = PARTS.filter(([part]) => !equalBytes(asked[part], before[part]));
  const choices = Array.from({ length: 2 ** other.length - 1 }, (_, bits) => other.filter((_, i) => ((bits + 1) >> i) & 1));
  for (const chosen of choices.sort((a, b) => a.length - b.length)) {
    const mixed = chosen.reduce<EvidenceBinding>((binding, [part]) => ({ ...binding, [part]: before[part] }), asked);
    if (!equalBytes(evidenceExtraData(mixed), extraData)) continue;
    const [first, ...rest] = chosen.map(([, field, expected]) => difference(field, "what the quote is bound to", expected, "that of this machine's evidence before"));
    if (first !== undefined) return [first, ...rest];
  }
  return null;
}

function unknown(extraData: Uint8Array, asked: EvidenceBinding): FieldDifference {
  const digests = (["claims", "firmwareLog", "userspaceLog"] as const).map((part) => `${part} ${toHex(sha256(asked[part])).slice(0, 16)}…`).join(", ");
  const what = "nonce, cluster and hub key, claims, firmware's log and userspace's log together; one hash covers them, and nothing known tells which of them is another";
  return difference("quote.extraData", what, `${toHex(evidenceExtraData(asked))} (SHA-256 of ${digests})`, toHex(extraData));
}

function difference(field: EvidenceField, area: string, expected: string, found: string): FieldDifference {
  return { at: "field", code: "BINDING_WRONG", field, area, expected, found };
}
