import type { HeldRelease as HeldReleaseMessage } from "../../proto/gen/kubedos/v1/admin.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { factsOf, holdsSlot } from "../enroll/state.ts";
import { slotOfEk } from "../enroll/ek-anchor.ts";
import type { HeldRelease } from "../trust/release-book.ts";

/** A release as operators see it, with the nodes whose last good evidence is of it. */
export function viewRelease(context: HubContext, { release, state, reason, sinceMs }: HeldRelease): HeldReleaseMessage {
  const nodes = context.store.identities.all().flatMap((identity) => {
    if (factsOf(identity.state)?.releaseId !== release.id) return [];
    return [holdsSlot(identity.state) ? identity.state.slot : (slotOfEk(context, identity.ekName)?.name ?? identity.id)];
  });
  const roles = [...new Set(release.images.map((image) => image.role))];
  return { id: release.id, generation: BigInt(release.generation), state, roles, reason, sinceMs: BigInt(Math.floor(sinceMs)), nodes };
}
