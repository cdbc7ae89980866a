import type { KeyObject } from "node:crypto";
import { type ImageConfig, type PortRule, parseImageConfig } from "../../proto/release/image-config.ts";
import type { SpecImageInputs } from "../../proto/spec/image-inputs.ts";
import type { SpecPlane } from "../../proto/spec/schema.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { exportSpki } from "../keys/import-spki.ts";
import type { RoleDefinition } from "../roles/role.ts";

/** What an image may know: nothing of any node (DESIGN §2.4). */
export interface ImageConfigInputs {
  readonly spec: SpecImageInputs;
  readonly role: RoleDefinition;
  /** Ed25519: whose signature makes a release, a delivery or pins; the newest first. */
  readonly releaseKeys: readonly KeyObject[];
  /** RSA. */
  readonly policyKey: KeyObject;
  /** DER. */
  readonly root: Uint8Array;
  readonly epoch: number;
}

/** Bytes of `/etc/kubedos/image.json`: canonical JSON, taken by the parser that the agent uses. */
export function makeImageConfig(inputs: ImageConfigInputs): Uint8Array {
  const { spec, role, epoch } = inputs;
  const { cluster, planes, trust } = spec;
  const config: ImageConfig = {
    kind: "kubedos/image",
    version: 1,
    cluster,
    role: role.name,
    hub: role.hub,
    planes: [...planes],
    ports: [...role.ports, ...planes.map((plane) => planePort(role, plane))],
    releaseKeys: inputs.releaseKeys.map((key) => toBase64(exportSpki(key))),
    rootCa: certificatesToPem(inputs.root),
    epoch,
    trust: { leaseMs: trust.lease, renewMs: trust.renew },
    policyKey: toBase64(inputs.policyKey.export({ type: "spki", format: "der" })),
    // Sizes are the target's business: a larger disk makes no other image.
    ...(role.volumes.length === 0 ? {} : { volumes: role.volumes.map(({ name, mount }) => ({ name, mount })) }),
  };
  const bytes = canonicalJson(config);
  parseImageConfig(bytes);
  return bytes;
}

/** Spokes dial the hub, so WireGuard's packets go out on their side and come in on the hub's. */
function planePort(role: RoleDefinition, plane: SpecPlane): PortRule {
  return { direction: role.hub ? "in" : "out", zone: "lan", protocol: "udp", port: plane.port, what: `WireGuard ${plane.name}` };
}
