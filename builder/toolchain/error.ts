/**
 * Why a tool of the build failed: it was not there, it failed, it took too long, or it was stopped by the caller; or what it would
 * work on is another user's.
 */
export const TOOL_ERROR_CODES = ["MISSING", "FAILED", "TIMEOUT", "ABORTED", "FOREIGN_CACHE"] as const;

/** See {@link TOOL_ERROR_CODES}. */
export type ToolErrorCode = (typeof TOOL_ERROR_CODES)[number];

/** A command that did not do its work; the message holds the command and the end of what it wrote to stderr. */
export class ToolError extends Error {
  readonly code: ToolErrorCode;
  /** The end of what it wrote to stdout, where some tools explain themselves. */
  readonly stdout: string;

  constructor(code: ToolErrorCode, message: string, options?: ErrorOptions & { readonly stdout?: string }) {
    super(message, options);
    this.name = "ToolError";
    this.code = code;
    this.stdout = options?.stdout ?? "";
  }
}
