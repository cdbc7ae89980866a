/**
 * A log whose bytes can be read but which is not one kubedos judges. Broken framing is a WireError instead
 * (`TRUNCATED`, `TRAILING_BYTES`, `TOO_LARGE`).
 */
export class EventLogError extends Error {
  readonly code: EventLogErrorCode;

  constructor(code: EventLogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EventLogError";
    this.code = code;
  }
}

/**
 * LEGACY_LOG: TCG 1.2 format, SHA-1 alone. BAD_HEADER: the Spec ID event is wrong or comes twice. UNKNOWN_BANK,
 * DUPLICATE_BANK, WRONG_DIGEST_SIZE: the header's list of algorithms. BANKS_DIFFER: an event doesn't carry each announced
 * bank exactly once. BAD_PCR: index above 23. TOO_MANY_EVENTS. BAD_STARTUP_LOCALITY: late, twice, or none of 0, 3, 4.
 * BAD_RECORD: a record of the userspace log has another shape. WRONG_DIGEST: its digest isn't that of its word.
 */
export type EventLogErrorCode =
  | "LEGACY_LOG"
  | "BAD_HEADER"
  | "UNKNOWN_BANK"
  | "DUPLICATE_BANK"
  | "WRONG_DIGEST_SIZE"
  | "BANKS_DIFFER"
  | "BAD_PCR"
  | "TOO_MANY_EVENTS"
  | "BAD_STARTUP_LOCALITY"
  | "BAD_RECORD"
  | "WRONG_DIGEST";
