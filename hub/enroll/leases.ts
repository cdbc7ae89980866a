import { z } from "zod";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { type Member, memberSchema } from "../planes/member.ts";
import type { HubContext } from "./hub-context.ts";
import type { LeaseNote } from "./lease-book.ts";
import { isAdmitted } from "./state.ts";

/** Times are of the boot clock: the row's seal says that it is this boot's. `wallMs` is the latest date that was seen. */
const leaseSchema = z.strictObject({
  untilMs: z.number(),
  wallMs: z.number(),
  note: z.enum(["LEASE_TIMEOUT", "LEASE_ENDED"]).nullable(),
  member: memberSchema,
});
const MAX_LEASE_BYTES = 512 * 1024;

/** Keeps a member's lease so that a kill -9 finds it on the disk. Call inside the transaction of what gave it. */
export function keepLease(context: HubContext, member: Member, untilMs: number, note: LeaseNote | null = null): void {
  const wallMs = context.ports.clock.wallMs();
  context.store.leases.put(member.id, JSON.stringify({ untilMs, wallMs, note, member }));
}

/**
 * After a start: members of before come back into the planes for the rest of their lease, if the row's seal is this boot's
 * and the identity is still admitted. All others are let go, so they come in only by attesting. Whether an operator's
 * statement still stands behind each is asked next (remove-unbacked.ts).
 */
export function restoreLeases(context: HubContext): void {
  const { store, book, leases, ports } = context;
  const { valid, refused } = store.leases.load();
  const now = ports.clock.monotonicMs();
  const rows = valid.map(({ identity: id, body }) => ({ id, ...parseJson(leaseSchema, utf8(body), MAX_LEASE_BYTES) }));
  for (const { wallMs } of rows) ports.clock.atLeast(wallMs);
  store.transaction(() => {
    for (const id of refused) {
      store.leases.drop(id);
      store.audit.append({ actor: "hub", action: "lease-refused", subject: id, detail: "the lease was not made in this boot" });
    }
    for (const { id, untilMs, note, member } of rows) {
      const identity = store.identities.byId(id);
      if (identity !== null && isAdmitted(identity.state) && untilMs > now) {
        leases.restore(id, untilMs, note);
        book.restore(member);
      } else store.leases.drop(id);
    }
    for (const identity of store.identities.all()) {
      if (isAdmitted(identity.state) && !book.has(identity.id)) store.identities.apply(identity, { e: "lease-end" }, ports.clock.wallMs());
    }
  });
}

/**
 * Takes everybody out of the planes whose lease is over. Expiry waits for nothing: peers hear of it also when the
 * database can't be written; the rows follow when it can. Throws what the database threw.
 */
export function endLeases(context: HubContext): void {
  const { store, book, breaker, leases, live, ports, unsavedEnds } = context;
  const now = ports.clock.monotonicMs();
  for (const { id } of book.members()) {
    if (leases.untilMs(id) > now) continue;
    book.remove(id);
    leases.annotate(id, "LEASE_ENDED");
    breaker.held.delete(id);
    unsavedEnds.ids.add(id);
    unsavedEnds.notBeforeMs = now;
    live.get(id)?.refuse({ code: "LEASE_ENDED", message: "the verdict's time is over", retryAfterMs: 500 });
  }
  if (unsavedEnds.ids.size === 0 || now < unsavedEnds.notBeforeMs) return;
  unsavedEnds.notBeforeMs = now + leases.times.heartbeatMs;
  store.transaction(() => {
    for (const id of unsavedEnds.ids) {
      store.audit.append({ actor: "hub", action: "lease-end", subject: id, code: "LEASE_ENDED" });
      // Whoever has come back meanwhile has a new lease.
      if (book.has(id)) continue;
      store.leases.drop(id);
      const identity = store.identities.byId(id);
      if (identity !== null && isAdmitted(identity.state)) store.identities.apply(identity, { e: "lease-end" }, ports.clock.wallMs());
    }
  });
  unsavedEnds.ids.clear();
}

/** A renewal that nobody answered. No verdict, so it takes nothing but the stream: peers keep the node until its lease ends. Never throws: the stream ends also where that can't be recorded. */
export function noteTimeout(context: HubContext, id: string, source: string): void {
  const { store, book, leases, ports } = context;
  leases.annotate(id, "LEASE_TIMEOUT");
  try {
    store.transaction(() => {
      const member = book.member(id);
      if (member !== null) keepLease(context, member, leases.untilMs(id), "LEASE_TIMEOUT");
      store.audit.append({ actor: `node:${id}`, action: "renew", subject: id, code: "LEASE_TIMEOUT", detail: `${source}: no evidence in time` });
    });
  } catch (error) {
    ports.log.error("a time-out was not recorded", { id, err: error });
  }
}
