import type { HubCode } from "../codes.ts";
import type { CliCode } from "./cli-codes.ts";
import { type ExitCode, exitFor } from "./exit-codes.ts";

/** What the command line prints instead of a stack: a fixed code, one sentence with the cause, and the next command. */
export class CliError extends Error {
  readonly code: string;
  readonly exit: ExitCode;
  /** A command to type next; null where there is none to recommend. */
  readonly next: string | null;

  private constructor(code: string, message: string, next: string | null, grpcStatus: number | null, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.code = code;
    this.exit = exitFor(code, grpcStatus);
    this.next = next;
  }

  /** An error that the command line found by itself. */
  static local(code: CliCode | HubCode, message: string, next: string | null, cause?: unknown): CliError {
    return new CliError(code, message, next, null, cause === undefined ? undefined : { cause });
  }

  /** An error that a server sent; `code` is its word (gRPC metadata `kubedos-code`). */
  static remote(code: string, message: string, next: string | null, grpcStatus: number, cause: unknown): CliError {
    return new CliError(code, message, next, grpcStatus, { cause });
  }
}
