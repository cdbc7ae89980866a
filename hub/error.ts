import type { HubCode } from "./codes.ts";

/** A refusal of the hub: the fixed code for machines (hub/codes.ts), one sentence for people. */
export class HubError extends Error {
  readonly code: HubCode;

  constructor(code: HubCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HubError";
    this.code = code;
  }
}
