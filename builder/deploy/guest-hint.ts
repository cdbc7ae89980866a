import type { Hint } from "../../proto/hint/hint.ts";
import { HINT_PREFIX } from "../../proto/hint/hint.ts";
import { type ClusterSpec, MASTER_ROLE, type SpecNode } from "../../proto/spec/schema.ts";
import { DeployError } from "./error.ts";

/** Listeners of the hub: nodes on the LAN, operators on their own network and on wg1. */
export const NODE_PORT = 7443;
/** See {@link NODE_PORT}. */
export const OPERATOR_PORT = 7444;

/** QEMU's user network gives its one guest this address; the operators' network is closed to everything else. */
const ADMIN_ADDRESS = "10.0.2.15/24";

/** Where a hint sends its node. */
export type HubHint = NonNullable<Hint["hub"]>;

/** The SMBIOS type 11 string for a node of the spec, or for a stranger who claims a node's slot at an address of his own, or is sent to another hub. */
export function hintString(spec: ClusterSpec, node: SpecNode, address: string = lanAddress(spec, node.name), hub: HubHint = hubHint(spec)): string {
  const { lan: net, gateway } = spec.network;
  const prefix = net.split("/")[1] ?? "24";
  const lan: NonNullable<Hint["lan"]> = [{ interface: "eth0", address: `${address}/${prefix}`, ...(gateway === undefined ? {} : { gateway }) }];
  if (node.role === MASTER_ROLE) lan.push({ interface: "eth1", address: ADMIN_ADDRESS });
  const hint: Hint = { v: 1, slot: node.name, hub, lan };
  return `${HINT_PREFIX}${JSON.stringify(hint)}`;
}

/** The node listener of the spec's hub. */
export function hubHint(spec: ClusterSpec): HubHint {
  return { host: lanAddress(spec, masterOf(spec).name), port: NODE_PORT };
}

/** The node that runs the hub; a parsed spec has exactly one. */
export function masterOf(spec: ClusterSpec): SpecNode {
  return nodeOf(spec, (node) => node.role === MASTER_ROLE, "of role master");
}

/** A node by its name. Throws DeployError. */
export function nodeNamed(spec: ClusterSpec, name: string): SpecNode {
  return nodeOf(spec, (node) => node.name === name, `named ${name}`);
}

function nodeOf(spec: ClusterSpec, test: (node: SpecNode) => boolean, what: string): SpecNode {
  const node = spec.topology.nodes.find(test);
  if (node === undefined) throw new DeployError("NOT_DEPLOYED", `the spec has no node ${what}`);
  return node;
}

function lanAddress(spec: ClusterSpec, name: string): string {
  const address = spec.network.addresses?.[name];
  if (address === undefined) throw new DeployError("NOT_DEPLOYED", `network.addresses has no address for ${name}`);
  return address;
}
