import { PLANES, type PlaneName } from "../../proto/evidence/claims.ts";
import type { Admission } from "../../proto/gen/kubedos/v1/node.ts";
import { verifyIdentity } from "../../proto/pki/verify.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { OperatorTrust } from "../../proto/release/operator-statement.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { AgentError } from "../error.ts";
import { addressInNetwork, parseNetwork } from "../ipv4.ts";
import { verifyApproval } from "./verify-approval.ts";

/** This node's place in the cluster, checked. */
export interface NodePlace {
  readonly id: string;
  readonly name: string;
  readonly index: number;
  /** /32 in each plane. */
  readonly addresses: Readonly<Record<PlaneName, string>>;
  /** Node certificate over our TLS key and the node intermediate, DER. */
  readonly certificateChain: readonly Uint8Array[];
}

/** What an admission is compared with: all of it our own. */
export interface OwnIdentity {
  readonly config: ImageConfig;
  readonly ekName: string;
  readonly tlsSpki: Uint8Array;
}

/**
 * Accepts an admission only if: an operator approved this EK for this slot and role; the certificate is that slot's node
 * identity over our own key; and each plane's address is the image's network plus the index. So a stolen hub can't admit.
 * Throws {@link AgentError} `ADMISSION_REFUSED` or `PEER_REFUSED`.
 */
export function readAdmission(admission: Admission, own: OwnIdentity, trust: OperatorTrust): NodePlace {
  const { id, name, index } = admission;
  verifyApproval(admission.approval, { slot: name, role: own.config.role, ekName: own.ekName }, trust);
  const certificateChain = admission.certificateChain.map((der) => new Uint8Array(der));
  const identity = verifyNode(certificateChain, trust);
  if (identity.name !== name) throw new AgentError("ADMISSION_REFUSED", `the certificate is for ${identity.name}, the admission for ${name}`);
  if (!equalBytes(identity.spki, own.tlsSpki)) throw new AgentError("ADMISSION_REFUSED", "the certificate is over another key than ours");
  if (!/^[0-9A-Za-z_-]{1,64}$/.test(id)) throw new AgentError("ADMISSION_REFUSED", "the admission has no usable id");
  const [wg1, wg2, wg3] = PLANES.map((plane) => planeAddress(admission, own.config, plane));
  if (wg1 === undefined || wg2 === undefined || wg3 === undefined) throw new Error("three planes have three addresses");
  return { id, name, index, addresses: { wg1, wg2, wg3 }, certificateChain };
}

function verifyNode(chain: readonly Uint8Array[], trust: OperatorTrust): { readonly name: string; readonly spki: Uint8Array } {
  try {
    return verifyIdentity({ chain, root: trust.rootCa, role: "node", cluster: trust.cluster, now: trust.now });
  } catch (cause) {
    throw new AgentError("ADMISSION_REFUSED", "the admission brings no node certificate of this cluster", { cause });
  }
}

function planeAddress(admission: Admission, config: ImageConfig, plane: PlaneName): string {
  const network = parseNetwork(config.planes.find((p) => p.name === plane)?.cidr ?? "");
  const expected = network === null ? null : addressInNetwork(network, admission.index);
  const given = admission.planes.filter((p) => p.plane === plane);
  if (expected === null || given.length !== 1 || given[0]?.address !== expected) {
    throw new AgentError("ADMISSION_REFUSED", `${plane} should have the address ${expected ?? "of no index"}, not ${given[0]?.address ?? "none"}`);
  }
  return expected;
}
