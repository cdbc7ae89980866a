/**
 * Upper bounds of one event log. They are the parser's own and hold for `inspect` too; evidence from a node is held
 * shorter before it comes here (proto/evidence/limits.ts). Real logs: 25–130 events, dbx up to 32 KiB, 5 banks.
 */
export const EVENT_LOG_LIMITS = {
  /** Bytes of a whole log. */
  log: 4 * 1024 * 1024,
  /** Events without the header. */
  events: 4096,
  /** Bytes of one event's data; without it a 4-byte field could ask for 4 GiB. */
  eventData: 128 * 1024,
  /** Banks in the header, and so digests in every event. */
  banks: 8,
  /** Bytes and records of a userspace log, and bytes of one record. */
  userspaceLog: 256 * 1024,
  userspaceRecords: 512,
  userspaceRecord: 8 * 1024,
} as const;

/** PCRs of a TPM 2.0 for the PC Client are 0–23. */
export const MAX_PCR = 23;

/** What stands for a PCR in events that are information alone. */
export const NO_PCR = 0xffffffff;
