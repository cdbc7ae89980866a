import type { Node } from "../../proto/gen/kubedos/v1/admin.ts";
import type { Identity } from "../db/identities.ts";
import { anchorOf, pinnedSlot } from "../enroll/ek-anchor.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { factsOf, holdsSlot } from "../enroll/state.ts";
import { addressIn } from "../planes/address.ts";
import type { Slot } from "../trust/trust.ts";
import { certificateWords } from "./certificate-words.ts";
import { viewFirmware } from "./firmware-view.ts";

const BLANK: Omit<Node, "cluster"> = {
  ...{ id: "", name: "", role: "", state: "", ekName: "", anchor: "none", generation: 0n, release: "", releaseGeneration: 0n, phase: "" },
  ...{ planes: {}, attached: false, code: "", message: "", firstSeenMs: 0n, stateSinceMs: 0n, claimedSlot: "", serialHub: 0n, serialApplied: 0n },
  ...{ ekCertificate: "", ekCertificateText: "" },
  ...{ firmware: {}, firmwareBefore: {}, firmwareChange: "", eligible: false },
};

/** An identity as operators see it. A pinned machine bears its slot's name from the start, an unanchored one only by approval. */
export function viewIdentity(context: HubContext, identity: Identity): Node {
  const { state } = identity;
  const facts = factsOf(state);
  const { anchor, slot: pinned, certificate } = anchorOf(context, identity);
  const slot = holdsSlot(state) ? context.trust.slots.get(state.slot) : undefined;
  const serials = context.book.serials(identity.id);
  return {
    ...BLANK,
    cluster: context.image.cluster,
    id: identity.id,
    name: holdsSlot(state) ? state.slot : (pinned?.name ?? ""),
    role: facts?.role ?? pinned?.role ?? "",
    state: state.t,
    ekName: identity.ekName,
    anchor,
    ...certificateWords(certificate),
    ...viewFirmware(identity),
    generation: BigInt(identity.generation),
    release: facts?.releaseId ?? "",
    releaseGeneration: BigInt(facts?.releaseGeneration ?? 0),
    phase: facts?.phase ?? "",
    planes: slot === undefined ? {} : addressesOf(context, slot),
    attached: context.live.get(identity.id) !== null,
    ...(reasonOf(state) ?? leaseReason(context, identity) ?? { code: "", message: "" }),
    firstSeenMs: BigInt(identity.firstSeenMs),
    stateSinceMs: BigInt(identity.stateSinceMs),
    claimedSlot: facts?.claimedSlot ?? "",
    serialHub: BigInt(serials?.sent ?? 0),
    serialApplied: BigInt(serials?.applied ?? 0),
  };
}

/** A slot that no identity holds or is pinned to: expected. */
export function viewSlot(context: HubContext, slot: Slot): Node {
  const ekName = pinnedSlot(context, slot.name)?.ekName ?? null;
  const anchor = ekName === null ? "none" : "pinned";
  return { ...BLANK, cluster: context.image.cluster, name: slot.name, role: slot.role, state: "expected", ekName: ekName ?? "", anchor };
}

/** Everybody: identities in the order they were first seen, then slots that nobody has asked for. */
export function viewAll(context: HubContext): readonly Node[] {
  const nodes = context.store.identities.all().map((identity) => viewIdentity(context, identity));
  const taken = new Set(nodes.map((n) => n.name));
  const expected = [...context.trust.slots.values()].filter((slot) => !taken.has(slot.name));
  return [...nodes, ...expected.map((slot) => viewSlot(context, slot))];
}

function addressesOf(context: HubContext, slot: Slot): Record<string, string> {
  return Object.fromEntries(context.image.planes.map((plane) => [plane.name, `${addressIn(plane.cidr, slot.index)}/32`]));
}

interface Reason {
  readonly code: string;
  readonly message: string;
}

function reasonOf(state: Identity["state"]): Reason | null {
  if ("code" in state) return { code: state.code, message: state.message };
  return "reason" in state ? { code: "IDENTITY_REVOKED", message: state.reason } : null;
}

/** What isn't a verdict and yet something to know: a renewal without an answer, a lease that ended, a removal that is held. */
function leaseReason(context: HubContext, { id }: Identity): Reason | null {
  const { breaker, leases } = context;
  if (breaker.held.has(id)) return { code: "MASS_REMOVAL_HELD", message: `one of ${breaker.held.size} of ${breaker.members} members whose removal is held` };
  const left = Math.round(leases.remainingMs(id) / 1000);
  switch (leases.note(id)) {
    case "LEASE_TIMEOUT":
      return { code: "LEASE_TIMEOUT", message: `did not answer its renewal; its lease ends in ${left} s` };
    case "LEASE_ENDED":
      return { code: "LEASE_ENDED", message: "its lease is over; its peers have dropped it" };
    case null:
      return null;
  }
}
