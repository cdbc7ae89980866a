import type { Identity } from "../db/identities.ts";
import { HubError } from "../error.ts";
import { pinnedSlot } from "./ek-anchor.ts";
import type { HubContext } from "./hub-context.ts";

/**
 * The identity that an operator means: a slot's name (who holds it, else who is pinned to it), an id, or an unambiguous
 * beginning of one. Throws HubError `NOT_FOUND` or `AMBIGUOUS_ID`.
 */
export function findNode(context: HubContext, wanted: string): Identity {
  const { identities } = context.store;
  const slot = pinnedSlot(context, wanted);
  const named = identities.bySlot(wanted) ?? (slot?.ekName ? identities.byEk(slot.ekName) : null);
  if (named !== null) return named;
  const matches = wanted === "" ? [] : identities.byPrefix(wanted);
  if (matches.length > 1) throw new HubError("AMBIGUOUS_ID", `more than one id begins with ${wanted.slice(0, 64)}`);
  const [only] = matches;
  if (only === undefined) throw new HubError("NOT_FOUND", `no node matches ${JSON.stringify(wanted.slice(0, 64))}`);
  return only;
}
