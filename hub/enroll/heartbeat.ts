import type { HubMessage } from "../../proto/gen/kubedos/v1/node.ts";
import type { HubContext } from "./hub-context.ts";
import type { SessionState } from "./session-state.ts";

/** What a member is told of its lease: what is left of it, counted from now. Null: it has none, or isn't a member. `auditHead` defaults to the newest row's. */
export function heartbeatOf(context: HubContext, state: SessionState, auditHead: string | null): NonNullable<HubMessage["body"]> | null {
  if (state.t !== "admitted") return null;
  const { leases, book } = context;
  const horizonMs = Math.floor(leases.remainingMs(state.id));
  if (horizonMs === 0) return null;
  const at = { epoch: BigInt(book.epoch), serial: BigInt(book.serial), auditHead: auditHead ?? newestHead(context) };
  return { $case: "heartbeat", value: { ...at, horizonMs, verdicts: state.renewal.verdicts } };
}

/** Empty where it can't be read now: how long peers may be used doesn't depend on it. */
function newestHead({ store }: HubContext): string {
  try {
    return store.audit.head();
  } catch {
    return "";
  }
}
