import { awaitVolumes } from "./await-volumes.ts";
import { baseFirewall } from "./base-firewall.ts";
import { configureLan } from "./configure-lan.ts";
import { identifyTpm } from "./identify-tpm.ts";
import { makeClaims } from "./make-claims.ts";
import { makeKeys } from "./make-keys.ts";
import { measureAgent } from "./measure-agent.ts";
import { preparePlanes } from "./prepare-planes.ts";
import { publishIdentity } from "./publish-identity.ts";
import { readConfig } from "./read-config.ts";
import { readHint } from "./read-hint.ts";
import { readIssuers } from "./read-issuers.ts";
import type { StepGroup } from "./step.ts";

/** From the start of the agent to the point where it can prove itself; then {@link serveNode}. */
export const FIRST_BOOT: readonly StepGroup[] = [
  readConfig,
  readHint,
  measureAgent,
  // While other programs work on firewall and LAN, this one makes keys.
  [baseFirewall, makeKeys, identifyTpm],
  // Before the hub's own keys are asked for: they lie on a volume.
  [configureLan, publishIdentity, awaitVolumes],
  readIssuers,
  makeClaims,
  preparePlanes,
];
