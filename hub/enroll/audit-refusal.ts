import { HubError } from "../error.ts";
import type { HubContext } from "./hub-context.ts";

/** What an operator wanted: the audit's action without `-refused`, and on what. */
export interface Decision {
  /** Name of the operator. */
  readonly by: string;
  readonly action: string;
  readonly subject: string;
}

/** A decision that was refused leaves its row too; an error of our own leaves none. Call it with what was thrown, and throw that on. */
export function auditRefusal({ store }: HubContext, { by, action, subject }: Decision, error: unknown): void {
  if (!(error instanceof HubError)) return;
  store.transaction(() => store.audit.append({ actor: `operator:${by}`, action: `${action}-refused`, subject, code: error.code, detail: error.message }));
}
