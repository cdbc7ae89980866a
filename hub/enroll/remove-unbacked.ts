import type { Member } from "../planes/member.ts";
import { findApproval } from "./find-approval.ts";
import type { HubContext } from "./hub-context.ts";
import { holdsSlot, isAdmitted } from "./state.ts";

/** So many may go at once in any cluster; of a larger one, half. */
const ALWAYS = 3;
const SHARE = 0.5;
/** Looking at everybody again takes at most this share of the hub's time. */
const TIME_SHARE = 0.05;

/** Members that the hub would remove by its own computation, and doesn't: the breaker is open. */
export class Breaker {
  /** Ids of those whose removal is held; empty when nothing is. Who comes in anew or ends otherwise leaves it. */
  held = new Set<string>();
  members = 0;
  /** Somebody was found without an approval: look at everybody. */
  doubted = false;
  notBeforeMs = 0;
}

/**
 * Takes members out of the planes behind whom no operator's statement stands any longer (another delivery, a database that
 * lost rows). One doubt makes the hub look at everybody, so that a fault of its own shows as what it is: many at once.
 * Then it holds them all and says so; they go by expiry, by a verdict or by an operator's word. A look-up that fails
 * throws, and nobody is removed.
 */
export function removeUnbacked(context: HubContext): void {
  const { book, breaker, store, ports } = context;
  if (ports.clock.monotonicMs() < breaker.notBeforeMs) return;
  const members = book.members();
  const out = lookedUp(context, () => members.filter((member) => !isBacked(context, member)));
  breaker.doubted = false;
  const before = breaker.held;
  // Once open it stays open while anybody of it is left: a computation that was held isn't trusted by halves.
  const open = out.some((m) => before.has(m.id));
  if (open || out.length > Math.max(ALWAYS, members.length * SHARE)) {
    const detail = `${out.length} of ${members.length} members have no valid approval any longer; nobody was removed`;
    if (before.size === 0) store.transaction(() => store.audit.append({ actor: "hub", action: "removal-held", subject: "planes", code: "MASS_REMOVAL_HELD", detail }));
    breaker.held = new Set(out.map((m) => m.id));
    breaker.members = members.length;
    return;
  }
  if (before.size > 0) store.transaction(() => store.audit.append({ actor: "hub", action: "removal-released", subject: "planes", detail: "nobody of whom it held is left without an approval" }));
  breaker.held = new Set();
  for (const { id } of out) remove(context, id);
}

/** Notes when the next look may be, also after one that failed. */
function lookedUp<T>({ breaker, ports: { clock } }: HubContext, look: () => T): T {
  const startMs = clock.monotonicMs();
  try {
    return look();
  } finally {
    const endMs = clock.monotonicMs();
    breaker.notBeforeMs = endMs + (endMs - startMs) / TIME_SHARE;
  }
}

function isBacked(context: HubContext, member: Member): boolean {
  const identity = context.store.identities.byId(member.id);
  // Also one that has just attested anew and whose certificate is being made: until that is done it holds its slot and is not yet admitted.
  if (identity === null || !holdsSlot(identity.state) || identity.state.slot !== member.name) return false;
  return findApproval(context, identity, identity.state.facts)?.verified.approval.slot === member.name;
}

function remove(context: HubContext, id: string): void {
  const { store, book, leases, live, ports } = context;
  store.transaction(() => {
    store.leases.drop(id);
    const identity = store.identities.byId(id);
    if (identity !== null && isAdmitted(identity.state)) store.identities.apply(identity, { e: "lease-end" }, ports.clock.wallMs());
    store.audit.append({ actor: "hub", action: "remove", subject: id, code: "APPROVAL_INVALID", detail: "no stored approval stands behind it any longer" });
  });
  leases.drop(id);
  book.remove(id);
  live.get(id)?.refuse({ code: "APPROVAL_INVALID", message: "the approval no longer holds", retryAfterMs: 1000 });
}
