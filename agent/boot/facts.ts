import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { Attestor } from "../tpm/attestor.ts";
import type { Measurer } from "../tpm/measurer.ts";
import type { TpmIdentity } from "../tpm/tpm-identity.ts";
import type { AgentTpm } from "../tpm/agent-tpm.ts";
import type { Firewall } from "../nft/firewall.ts";
import type { PlaneManager } from "../attach/plane-manager.ts";
import type { Claims } from "../../proto/evidence/claims.ts";
import type { NodePlace } from "../attach/read-admission.ts";
import type { HintRecord } from "./hint-record.ts";
import type { NodeKeys } from "./node-keys.ts";

/** What the steps find out, each fact given by one step. */
export interface Facts {
  readonly config: ImageConfig;
  readonly bootId: string;
  readonly hint: HintRecord;
  readonly tpm: AgentTpm;
  readonly measurer: Measurer;
  readonly firewall: Firewall;
  /** Where this node was admitted to earlier in this boot; null before admission. */
  readonly place: NodePlace | null;
  readonly keys: NodeKeys;
  readonly identity: TpmIdentity;
  /** On the hub's node: SPKIs of the hub's issuer keys, for the claims; null elsewhere. */
  readonly issuers: NonNullable<Claims["issuers"]> | null;
  readonly attestor: Attestor;
  readonly planes: PlaneManager;
}
