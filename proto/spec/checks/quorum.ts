import { type Check, wrongKey, wrongValue } from "../problem.ts";
import type { ClusterSpec, SpecNode } from "../schema.ts";

/** Roles whose nodes decide by majority. */
export const QUORUM_ROLES = ["etcd", "cp"] as const;

/** Nodes of a role, with their place in the list. */
export function nodesOf(spec: ClusterSpec, role: string): readonly (readonly [index: number, node: SpecNode])[] {
  return [...spec.topology.nodes.entries()].filter(([, node]) => node.role === role);
}

/** A majority that survives the loss of one, and no member that adds a loss without adding safety (specification §13.3). */
export const quorumIsOdd: Check = function* (spec) {
  for (const role of QUORUM_ROLES) {
    const members = nodesOf(spec, role);
    const last = members.at(-1);
    if (last === undefined) continue;
    const path = ["topology", "nodes", last[0], "role"];
    const count = members.length;
    if (count < 3) yield wrongValue("QUORUM", path, `${count} ${count === 1 ? "node" : "nodes"} of role "${role}" can't lose one and go on`, "make it 3 or 5");
    else if (count % 2 === 0) yield wrongValue("QUORUM", path, `${count} nodes of role "${role}" can lose no more of them than ${count - 1} can`, `make it ${count - 1} or ${count + 1}`);
  }
};

/** Where there are three failure domains or more, the loss of one must not take a majority. With fewer it can't be helped: see the notes. */
export const quorumIsSpread: Check = function* (spec) {
  const domains = new Set(spec.topology.nodes.flatMap((n) => n.failureDomain ?? []));
  if (domains.size === 0) return;
  for (const role of QUORUM_ROLES) {
    const members = nodesOf(spec, role);
    const count = new Map<string, number>();
    for (const [i, { name, failureDomain }] of members) {
      if (failureDomain === undefined) {
        yield wrongKey("FAILURE_DOMAIN", ["topology", "nodes", i], `"${name}" of role "${role}" has no failureDomain, so nobody knows what it fails with`, `known are ${[...domains].slice(0, 8).join(", ")}`);
        continue;
      }
      const here = (count.get(failureDomain) ?? 0) + 1;
      count.set(failureDomain, here);
      // Told once a domain, at the member that makes the majority.
      if (domains.size < 3 || members.length < 3 || here !== Math.floor(members.length / 2) + 1) continue;
      yield wrongValue("FAILURE_DOMAIN", ["topology", "nodes", i, "failureDomain"], `failure domain "${failureDomain}" holds ${here} of ${members.length} nodes of role "${role}": losing it ends the quorum`, `spread them over ${[...domains].slice(0, 8).join(", ")}`);
    }
  }
};
