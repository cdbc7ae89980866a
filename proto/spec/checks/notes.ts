import { type Check, wrongKey, wrongValue } from "../problem.ts";
import { nodesOf, QUORUM_ROLES } from "./quorum.ts";

/** A quorum that nothing can spread. */
export const fewDomains: Check = function* (spec) {
  const domains = new Set(spec.topology.nodes.flatMap((n) => n.failureDomain ?? []));
  const first = QUORUM_ROLES.flatMap((role) => nodesOf(spec, role))[0];
  if (first === undefined || domains.size >= 3) return;
  yield wrongKey("FAILURE_DOMAIN", ["topology", "nodes", first[0]], `the nodes name ${domains.size} failure domain${domains.size === 1 ? "" : "s"}: losing one can take a majority of etcd`, "three or more let a quorum survive any of them");
};

/** What is asked for and not done by this version; nobody should believe in it. */
export const notYet: Check = function* ({ trust, destructive }) {
  if (trust.approvals > 1) yield wrongValue("NOT_YET", ["trust", "approvals"], "a second approval isn't asked for yet: the hub takes one", "docs/not-yet.md");
  for (const key of ["wipeDisks", "destroyQuarantined"] as const) {
    if (destructive[key]) yield wrongValue("NOT_YET", ["destructive", key], `destructive.${key} allows what nothing does yet`, "docs/not-yet.md");
  }
};
