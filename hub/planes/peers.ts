import type { Member } from "./member.ts";

/** Hub-and-spoke: the hub's node and each other node are peers, two spokes never. */
export function arePeers(a: Member, b: Member): boolean {
  return a.id !== b.id && a.hub !== b.hub;
}

/** Everybody that `node` has as peer, by id: `[hub]` for a spoke, all spokes for the hub. Pure. */
export function peersFor(node: Member, members: Iterable<Member>): readonly Member[] {
  return [...members].filter((member) => arePeers(node, member)).sort((a, b) => (a.id < b.id ? -1 : 1));
}
