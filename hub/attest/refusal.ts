import { ATTEST_CODES } from "./codes.ts";
import type { AttestCode } from "./codes.ts";
import type { Finding } from "./types.ts";

/** Thrown by the checks and caught by {@link judge} alone, which makes the verdict of it. */
export class Refusal extends Error {
  readonly code: AttestCode;
  readonly findings: readonly Finding[];

  /** `detail` says what this check saw; without it the code's own sentence stands. */
  constructor(code: AttestCode, detail?: string, findings: readonly Finding[] = [], options?: ErrorOptions) {
    super(detail ?? ATTEST_CODES[code].text, options);
    this.name = "Refusal";
    this.code = code;
    this.findings = findings;
  }
}

/** Runs a parser; whatever it throws becomes a refusal with `code`, its sentence kept. */
export function refuseAs<T>(code: AttestCode, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal(code, `${ATTEST_CODES[code].text.slice(0, -1)}: ${cause instanceof Error ? cause.message : String(cause)}.`, [], { cause });
  }
}
