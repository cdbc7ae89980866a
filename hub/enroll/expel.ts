import type { HubContext } from "./hub-context.ts";
import { factsOf, holdsSlot } from "./state.ts";

/**
 * Takes a node out of the planes if its identity holds no slot any longer. Called after every transition that may have
 * taken it, when the database has it already: a crash in between loses nothing, since a start restores only who still has his slot.
 * Returns the ids of the peers that were told.
 */
export function expelIfOut(context: HubContext, id: string): readonly string[] {
  const identity = context.store.identities.byId(id);
  if (identity !== null && holdsSlot(identity.state)) return [];
  // Who waits has a verdict that counts; who failed or was ended has none.
  if (identity === null || factsOf(identity.state) === null) context.leases.drop(id);
  context.breaker.held.delete(id);
  context.store.leases.drop(id);
  return context.book.remove(id);
}
