/** Why a ClusterSpec was refused. */
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
  | "UNKNOWN_NODE"
  | "UNKNOWN_ROLE"
  | "UNUSED_ROLE"
  | "MASTER_COUNT"
  | "MISSING_ADDRESS";

/** What {@link SpecError} says beside its message. Lines and columns count from 1. */
export interface SpecFault {
  readonly code: SpecErrorCode;
  readonly line: number;
  readonly column: number;
  /** Keys from the document's root, joined by dots. */
  readonly path: string;
  readonly message: string;
  /** What to write instead; empty where nothing can be said. */
  readonly hint: string;
}

/** A ClusterSpec that is not taken: where, why and what would be right. The message is one line in compiler form. */
export class SpecError extends Error {
  readonly code: SpecErrorCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  /** The sentence without the position. */
  readonly problem: string;
  readonly hint: string;

  constructor(file: string, fault: SpecFault, options?: ErrorOptions) {
    super(`${file}:${fault.line}:${fault.column}: ${fault.message}${fault.hint === "" ? "" : ` (${fault.hint})`}`, options);
    this.name = "SpecError";
    this.code = fault.code;
    this.file = file;
    this.line = fault.line;
    this.column = fault.column;
    this.path = fault.path;
    this.problem = fault.message;
    this.hint = fault.hint;
  }
}
