import { type Check, wrongKey, wrongValue } from "../problem.ts";

/** One renewal that is missed must not take a node's peers. */
export const leaseOutlastsRenewals: Check = function* ({ trust }) {
  if (trust.renew * 2 > trust.lease) yield wrongValue("LEASE_TOO_SHORT", ["trust", "lease"], "trust.lease must be at least twice trust.renew", "one renewal that is missed must not take a node's peers");
};

/** What is said about certificates needs certificates. */
export const ekRootsAreNamed: Check = function* ({ trust }) {
  if (trust.ekRoots !== undefined) return;
  for (const key of ["ekQuirks", "ekRevoked"] as const) {
    if (trust[key].length > 0) yield wrongKey("MISSING_KEY", ["trust", key], `trust.${key} says something about certificates, but there is no trust.ekRoots`, "name the folder with the makers' root certificates");
  }
};
