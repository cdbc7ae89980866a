import type { Node } from "../../proto/gen/kubedos/v1/admin.ts";

/** Waits for an operator. */
export const WAITING: readonly string[] = ["unanchored", "pending"];
/** Has its planes. */
export const CONNECTED: readonly string[] = ["connected", "enrolled", "converging", "ready", "sealed"];
/** Was approved and is on its way. */
export const ON_ITS_WAY: readonly string[] = ["approved", ...CONNECTED];
/** Was refused or taken out; waiting for it is in vain. A node that is asked again passes through other states. */
export const ENDED: readonly string[] = ["rejected", "quarantined", "fenced", "evicted", "banned", "retired"];

/** Whether nobody vouches for this TPM. Anything but a pin counts as no anchor, also a word this version doesn't know. */
export function isUnanchored(node: Node): boolean {
  return node.anchor !== "pinned";
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
