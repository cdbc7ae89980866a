import type { HeldRelease as HeldReleaseMessage } from "../../proto/gen/kubedos/v1/admin.ts";
import type { Identity } from "../db/identities.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { holdsSlot } from "../enroll/state.ts";
import { slotOfEk } from "../enroll/ek-anchor.ts";
import { nodesOn } from "../trust/decide-release.ts";
import type { HeldRelease } from "../trust/release-book.ts";

/** Releases as operators see them, each with the nodes whose last good evidence is of it. */
export function viewReleases(context: HubContext, releases: readonly HeldRelease[]): readonly HeldReleaseMessage[] {
  const identities = context.store.identities.all();
  return releases.map((held) => viewOne(context, held, identities));
}

/** See {@link viewReleases}. */
export function viewRelease(context: HubContext, held: HeldRelease): HeldReleaseMessage {
  return viewOne(context, held, context.store.identities.all());
}

function viewOne(context: HubContext, { release, state, reason, sinceMs }: HeldRelease, identities: readonly Identity[]): HeldReleaseMessage {
  const nodes = nodesOn(release.id, identities).map((identity) =>
    holdsSlot(identity.state) ? identity.state.slot : (slotOfEk(context, identity.ekName)?.name ?? identity.id),
  );
  const roles = [...new Set(release.images.map((image) => image.role))];
  return { id: release.id, generation: BigInt(release.generation), state, roles, reason, sinceMs: BigInt(Math.floor(sinceMs)), nodes };
}
