import type { Check } from "../problem.ts";
import { addressesFit, gatewayIsFree, indexesFit, networksAreApart, planesAreDistinct } from "./network.ts";
import { fewDomains, notYet } from "./notes.ts";
import { quorumIsOdd, quorumIsSpread } from "./quorum.ts";
import { cephIsWhole, cephOutlivesReplacement, datasetsAreApart, poolsAreWhole, quotasFit } from "./storage.ts";
import { qemuHasAddresses, vmidsFit } from "./targets.ts";
import { nodesAreDistinct, oneMaster, rolesAreUsed } from "./topology.ts";
import { ekRootsAreNamed, leaseOutlastsRenewals } from "./trust.ts";
import { imagesAreDistinct, vipIsFree, workloadsHaveNodes } from "./workloads.ts";

/** Whatever makes a spec bad. */
export const checks: readonly Check[] = [
  rolesAreUsed,
  nodesAreDistinct,
  oneMaster,
  quorumIsOdd,
  quorumIsSpread,
  leaseOutlastsRenewals,
  ekRootsAreNamed,
  planesAreDistinct,
  networksAreApart,
  indexesFit,
  addressesFit,
  gatewayIsFree,
  poolsAreWhole,
  datasetsAreApart,
  quotasFit,
  cephIsWhole,
  cephOutlivesReplacement,
  workloadsHaveNodes,
  vipIsFree,
  imagesAreDistinct,
  qemuHasAddresses,
  vmidsFit,
];

/** What a spec may say and its author should know. */
export const noteChecks: readonly Check[] = [fewDomains, notYet];
