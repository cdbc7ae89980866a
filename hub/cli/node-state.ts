import type { Node } from "../../proto/gen/kubedos/v1/admin.ts";

/** Waits for an operator. */
export const WAITING: readonly string[] = ["unanchored", "pending"];
/** Among whom may be some that wait: those that failed and are good again. */
export const MAY_WAIT: readonly string[] = [...WAITING, "quarantined"];
/** Has its place in the planes. */
export const CONNECTED: readonly string[] = ["connected", "enrolled", "converging", "ready", "sealed"];
/** Was approved and is on its way. */
export const ON_ITS_WAY: readonly string[] = ["approved", ...CONNECTED];
/** Was refused or taken out; waiting for it is in vain. A node that is asked again passes through other states. */
export const ENDED: readonly string[] = ["rejected", "quarantined", "fenced", "evicted", "banned", "retired"];

/** Whether its kernel has its planes: it has acknowledged an update of the stream it has now. `connected` alone can come a moment earlier. */
export function hasPlanes(node: Node): boolean {
  return CONNECTED.includes(node.state) && node.serialApplied > 0n;
}

/** Whether an operator's approval is all that it lacks. */
export function awaitsOperator(node: Node): boolean {
  return WAITING.includes(node.state) || (node.state === "quarantined" && node.eligible);
}

/** Whether nobody vouches for this TPM. Anything but the two anchors counts as none, also a word this version doesn't know. */
export function isUnanchored(node: Node): boolean {
  return node.anchor !== "pinned" && node.anchor !== "certificate";
}

/** Whether its EK belongs to a slot: then the slot is no choice. */
export function isPinned(node: Node): boolean {
  return node.anchor === "pinned";
}

/** What people and the next command call a node: its slot, else its id. */
export function nodeName(node: Node): string {
  return node.name === "" ? node.id : node.name;
}

/** Shortest prefixes of at least `min` digits that tell these ids apart. */
export function shortIds(nodes: readonly Node[], min = 8): ReadonlyMap<string, string> {
  const ids = nodes.map((n) => n.id);
  for (let length = min; ; length += 4) {
    const short = ids.map((id) => id.slice(0, length));
    if (new Set(short).size === new Set(ids).size) return new Map(ids.map((id, i) => [id, short[i] ?? id]));
  }
}

/** Last eight hex digits of the EK name: what the approval asks for. */
export function ekTail(node: Node): string {
  return node.ekName.slice(-8);
}
