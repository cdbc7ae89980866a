import { ATTEST_CODES } from "./codes.ts";
import type { AttestCode } from "./codes.ts";
import type { Differences, EventDifference, FieldDifference } from "./difference.ts";
import type { EvidenceField } from "./finding.ts";

/** Thrown by the checks and caught by {@link judge} alone, which makes the verdict of it. */
export class Refusal extends Error {
  readonly code: AttestCode;
  /** What differs, the most telling first: each refusal names an event of a PCR, or what was expected and what was found. */
  readonly differences: Differences;

  /** `detail` says what this check saw; without it the code's own sentence stands. */
  constructor(code: AttestCode, differences: Differences, detail?: string, options?: ErrorOptions) {
    super(detail ?? ATTEST_CODES[code].text, options);
    this.name = "Refusal";
    this.code = code;
    this.differences = differences;
  }
}

/** What is wrong with a field, in its own terms. `detail` is the sentence, where the code's own says less. */
export interface FieldFault extends Pick<FieldDifference, "expected" | "found"> {
  readonly what: string;
  readonly detail?: string;
}

/** A refusal for something that no PCR holds. */
export function refuseField(code: AttestCode, field: EvidenceField, fault: FieldFault, options?: ErrorOptions): Refusal {
  const { what: area, expected, found, detail } = fault;
  return new Refusal(code, [{ at: "field", code, field, area, expected, found }], detail, options);
}

/** A refusal for one event of a PCR, or for one that is missing there. */
export function refuseEvent(code: AttestCode, event: Omit<EventDifference, "at" | "code">, detail?: string, options?: ErrorOptions): Refusal {
  return new Refusal(code, [{ at: "event", code, ...event }], detail, options);
}

/** Runs a parser; whatever it throws becomes a refusal with `code`, its sentence kept. `expected`: what should have stood in `field`. */
export function refuseAs<T>(code: AttestCode, field: EvidenceField, expected: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refuseField(code, field, { what: "its form", expected, found: why, detail: `${ATTEST_CODES[code].text.slice(0, -1)}: ${why}.` }, { cause });
  }
}
