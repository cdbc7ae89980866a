import type { Excerpt } from "./excerpt.ts";

/** Why a ClusterSpec was refused, or what is noted about one that was taken. */
export type SpecErrorCode =
  | "TOO_LARGE"
  | "BAD_YAML"
  | "UNKNOWN_KEY"
  | "MISSING_KEY"
  | "BAD_VALUE"
  | "DUPLICATE"
  | "LEASE_TOO_SHORT"
  | "OVERFLOW"
  | "OVERLAP"
  | "QUORUM"
  | "FAILURE_DOMAIN"
  | "UNKNOWN_NODE"
  | "UNKNOWN_ROLE"
  | "UNUSED_ROLE"
  | "MISSING_ROLE"
  | "MASTER_COUNT"
  | "MISSING_ADDRESS"
  | "MISSING_VMID"
  | "MISSING_VOLUME"
  | "UNKNOWN_VOLUME"
  | "TOO_SMALL"
  | "TOO_WIDE"
  | "NOT_YET";

/** One fault. Lines and columns count from 1. */
export interface SpecFault {
  readonly code: SpecErrorCode;
  readonly line: number;
  readonly column: number;
  /** Keys from the document's root, joined by dots. */
  readonly path: string;
  readonly message: string;
  /** What to write instead; empty where nothing can be said. */
  readonly hint: string;
  readonly excerpt: Excerpt;
}

/** A ClusterSpec that is not taken: where, why and what would be right. The message is the first fault, one line in compiler form. */
export class SpecError extends Error {
  readonly code: SpecErrorCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  /** The sentence without the position. */
  readonly problem: string;
  readonly hint: string;
  /** Every fault that was found, the first one included. */
  readonly faults: readonly SpecFault[];

  constructor(file: string, first: SpecFault, others: readonly SpecFault[] = [], options?: ErrorOptions) {
    super(faultLine(file, first), options);
    this.name = "SpecError";
    this.code = first.code;
    this.file = file;
    this.line = first.line;
    this.column = first.column;
    this.path = first.path;
    this.problem = first.message;
    this.hint = first.hint;
    this.faults = [first, ...others];
  }
}

/** `FILE:LINE:COLUMN: message (hint)`, which editors understand. */
export function faultLine(file: string, { line, column, message, hint }: SpecFault): string {
  return `${file}:${line}:${column}: ${message}${hint === "" ? "" : ` (${hint})`}`;
}
