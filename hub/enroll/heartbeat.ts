import type { HubMessage } from "../../proto/gen/kubedos/v1/node.ts";
import type { HubContext } from "./hub-context.ts";

/** What a member is told of its lease: what is left of it, counted from now, and the number of the evidence that it rests on. Null: it has none. `auditHead` defaults to the newest row's. */
export function heartbeatOf(context: HubContext, member: { readonly id: string; readonly verdicts: number }, auditHead: string | null): NonNullable<HubMessage["body"]> | null {
  const { leases, book } = context;
  const horizonMs = Math.floor(leases.remainingMs(member.id));
  if (horizonMs === 0) return null;
  const at = { epoch: BigInt(book.epoch), serial: BigInt(book.serial), auditHead: auditHead ?? newestHead(context) };
  return { $case: "heartbeat", value: { ...at, horizonMs, verdicts: member.verdicts } };
}

/** Empty where it can't be read now: how long peers may be used doesn't depend on it. */
function newestHead({ store }: HubContext): string {
  try {
    return store.audit.head();
  } catch {
    return "";
  }
}
