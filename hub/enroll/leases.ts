import { z } from "zod";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { memberSchema } from "../planes/member.ts";
import { findApproval } from "./find-approval.ts";
import type { HubContext } from "./hub-context.ts";
import { isAdmitted } from "./state.ts";

/** How long peers keep a node whose stream is lost: a short outage of the network or the hub is invisible (DESIGN §2.10). */
export const LEASE_MS = 10 * 60_000;

const leaseSchema = z.strictObject({ horizonMs: z.number(), member: memberSchema });
const MAX_LEASE_BYTES = 512 * 1024;

/** Keeps the horizon of everybody who is attached, so that a kill -9 finds it on the disk. */
export function keepLeases(context: HubContext): void {
  const { store, book, ports } = context;
  const horizonMs = ports.clock.wallMs() + LEASE_MS;
  store.transaction(() => {
    for (const member of book.attached()) store.leases.put(member.id, JSON.stringify({ horizonMs, member }));
  });
}

/**
 * After a start: members of before come back into the planes until their horizon, if the row's seal is this boot's, the
 * identity is still admitted and a stored approval still verifies. All others are let go, so they come in only by attesting.
 */
export function restoreLeases(context: HubContext): void {
  const { store, book, ports } = context;
  const { valid, refused } = store.leases.load();
  const now = ports.clock.wallMs();
  store.transaction(() => {
    for (const id of refused) {
      store.leases.drop(id);
      store.audit.append({ actor: "hub", action: "lease-refused", subject: id, detail: "the lease was not made in this boot" });
    }
    const restored = new Set<string>();
    for (const { identity: id, body } of valid) {
      const lease = parseJson(leaseSchema, utf8(body), MAX_LEASE_BYTES);
      const identity = store.identities.byId(id);
      // A horizon further away than any lease means that the clock was set back: not believed.
      const inTime = lease.horizonMs > now && lease.horizonMs <= now + LEASE_MS;
      if (identity !== null && isAdmitted(identity.state) && inTime && findApproval(context, identity, identity.state.facts) !== null) {
        book.restore(lease.member, lease.horizonMs);
        restored.add(id);
      } else store.leases.drop(id);
    }
    for (const identity of store.identities.all()) {
      if (isAdmitted(identity.state) && !restored.has(identity.id)) store.identities.apply(identity, { e: "lease-end" }, now);
    }
  });
}

/** Takes everybody out of the planes whose horizon is over. */
export function endLeases(context: HubContext): void {
  const { store, book, ports } = context;
  const now = ports.clock.wallMs();
  for (const id of book.expired(now)) {
    store.transaction(() => {
      store.leases.drop(id);
      const identity = store.identities.byId(id);
      if (identity !== null && isAdmitted(identity.state)) store.identities.apply(identity, { e: "lease-end" }, now);
      store.audit.append({ actor: "hub", action: "lease-end", subject: id });
    });
    book.remove(id);
  }
}
