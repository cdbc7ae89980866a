import { nearest } from "../nearest.ts";
import { type Check, wrongKey, wrongValue } from "../problem.ts";
import { type ClusterSpec, MASTER_ROLE } from "../schema.ts";

/** Every listed role has a node, every node's role is listed. */
export const rolesAreUsed: Check = function* ({ topology: { roles, nodes } }) {
  const used = new Set(nodes.map((n) => n.role));
  const listed = new Set<string>();
  for (const [i, role] of roles.entries()) {
    const path = ["topology", "roles", i];
    if (listed.has(role)) yield wrongValue("DUPLICATE", path, `role "${role}" is listed twice`, "remove one of them");
    else if (!used.has(role)) yield wrongValue("UNUSED_ROLE", path, `no node has the role "${role}"`, "remove it, or give it a node");
    listed.add(role);
  }
  for (const [i, node] of nodes.entries()) {
    if (listed.has(node.role)) continue;
    const near = nearest(node.role, roles);
    yield wrongValue("UNKNOWN_ROLE", ["topology", "nodes", i, "role"], `role "${node.role}" of node "${node.name}" is not in topology.roles`, near === undefined ? `listed are ${roles.join(", ")}` : `did you mean "${near}"?`);
  }
};

/** Names and indexes are unique. */
export const nodesAreDistinct: Check = function* (spec) {
  const names = new Set<string>();
  const indexes = new Map<number, string>();
  for (const [i, node] of spec.topology.nodes.entries()) {
    if (names.has(node.name)) yield wrongValue("DUPLICATE", ["topology", "nodes", i, "name"], `name "${node.name}" is used twice`, "names of nodes are unique");
    const other = indexes.get(node.index);
    if (other !== undefined) yield wrongValue("DUPLICATE", ["topology", "nodes", i, "index"], `index ${node.index} of "${node.name}" is also that of "${other}"`, `the next free one is ${nextFree(spec)}`);
    names.add(node.name);
    indexes.set(node.index, node.name);
  }
};

function nextFree(spec: ClusterSpec): number {
  const used = new Set(spec.topology.nodes.map((n) => n.index));
  let index = 1;
  while (used.has(index)) index++;
  return index;
}

/** One node runs the hub. */
export const oneMaster: Check = function* ({ topology: { nodes } }) {
  const [first, ...others] = [...nodes.entries()].filter(([, n]) => n.role === MASTER_ROLE);
  if (first === undefined) yield wrongKey("MASTER_COUNT", ["topology", "nodes"], `no node has the role "${MASTER_ROLE}"`, "a cluster has exactly one");
  for (const [i, node] of others) yield wrongValue("MASTER_COUNT", ["topology", "nodes", i, "role"], `"${node.name}" is a second node of role "${MASTER_ROLE}"`, "a cluster has exactly one");
};
