import { maxIndex, overlaps, parseCidr, parseIpv4 } from "./cidr.ts";
import type { SpecDocument } from "./document.ts";
import type { SpecError } from "./error.ts";
import { nearest } from "./nearest.ts";
import { type ClusterSpec, MASTER_ROLE } from "./schema.ts";

/** What the shapes can't say: relations between values. Each check gives the first fault it finds, or undefined. */
type Check = (spec: ClusterSpec, at: SpecDocument["fault"]) => SpecError | undefined;

const rolesAreUsed: Check = (spec, at) => {
  const { roles, nodes } = spec.topology;
  for (const [i, role] of roles.entries()) {
    if (roles.indexOf(role) !== i) return at("DUPLICATE", ["topology", "roles", i], "value", `role "${role}" is listed twice`, "remove one of them");
    if (!nodes.some((n) => n.role === role)) return at("UNUSED_ROLE", ["topology", "roles", i], "value", `no node has the role "${role}"`, "remove it, or give it a node");
  }
  for (const [i, node] of nodes.entries()) {
    if (roles.includes(node.role)) continue;
    const near = nearest(node.role, roles);
    return at("UNKNOWN_ROLE", ["topology", "nodes", i, "role"], "value", `role "${node.role}" of node "${node.name}" is not in topology.roles`, near === undefined ? `known roles: ${roles.join(", ")}` : `did you mean "${near}"?`);
  }
  return undefined;
};

const leaseOutlastsRenewals: Check = ({ trust }, at) =>
  trust.renew * 2 <= trust.lease
    ? undefined
    : at("LEASE_TOO_SHORT", ["trust", "lease"], "value", "trust.lease must be at least twice trust.renew", "one renewal that is missed must not take a node's peers");

const ekRootsAreNamed: Check = ({ trust }, at) => {
  if (trust.ekRoots !== undefined) return undefined;
  const without = (["ekQuirks", "ekRevoked"] as const).find((key) => trust[key].length > 0);
  return without === undefined ? undefined : at("MISSING_KEY", ["trust", without], "key", `trust.${without} says something about certificates, but there is no trust.ekRoots`, "name the folder with the makers' root certificates");
};

const oneMaster: Check = (spec, at) => {
  const masters = [...spec.topology.nodes.entries()].filter(([, n]) => n.role === MASTER_ROLE);
  const second = masters[1];
  if (second !== undefined) return at("MASTER_COUNT", ["topology", "nodes", second[0], "role"], "value", `"${second[1].name}" is a second node of role "${MASTER_ROLE}"`, "a cluster has exactly one");
  if (masters.length === 0) return at("MASTER_COUNT", ["topology", "nodes"], "key", `no node has the role "${MASTER_ROLE}"`, "a cluster has exactly one");
  return undefined;
};

const nodesAreDistinct: Check = (spec, at) => {
  const names = new Map<string, number>();
  const indexes = new Map<number, string>();
  for (const [i, node] of spec.topology.nodes.entries()) {
    if (names.has(node.name)) return at("DUPLICATE", ["topology", "nodes", i, "name"], "value", `name "${node.name}" is used twice`, "names of nodes are unique");
    const other = indexes.get(node.index);
    if (other !== undefined) return at("DUPLICATE", ["topology", "nodes", i, "index"], "value", `index ${node.index} of "${node.name}" is also that of "${other}"`, `the next free one is ${nextFree(spec)}`);
    names.set(node.name, i);
    indexes.set(node.index, node.name);
  }
  return undefined;
};

function nextFree(spec: ClusterSpec): number {
  const used = new Set(spec.topology.nodes.map((n) => n.index));
  let index = 1;
  while (used.has(index)) index++;
  return index;
}

const planesAreApart: Check = (spec, at) => {
  const { planes, lan } = spec.network;
  for (const [i, plane] of planes.entries()) {
    const path = ["network", "planes", i];
    const before = planes.slice(0, i);
    if (before.some((p) => p.name === plane.name)) return at("DUPLICATE", [...path, "name"], "value", `plane "${plane.name}" is listed twice`, "the planes are wg1, wg2 and wg3");
    const samePort = before.find((p) => p.port === plane.port);
    if (samePort !== undefined) return at("DUPLICATE", [...path, "port"], "value", `port ${plane.port} of ${plane.name} is also that of ${samePort.name}`, "each plane has a port of its own");
    const clash = before.find((p) => overlaps(parseCidr(p.cidr), parseCidr(plane.cidr)));
    if (clash !== undefined) return at("OVERLAP", [...path, "cidr"], "value", `${plane.cidr} of ${plane.name} overlaps ${clash.cidr} of ${clash.name}`, "planes are separate networks");
    if (overlaps(parseCidr(lan), parseCidr(plane.cidr))) return at("OVERLAP", [...path, "cidr"], "value", `${plane.cidr} of ${plane.name} overlaps the LAN ${lan}`, "planes are separate networks");
  }
  return undefined;
};

const indexesFit: Check = (spec, at) => {
  for (const plane of spec.network.planes) {
    const max = maxIndex(parseCidr(plane.cidr));
    const i = spec.topology.nodes.findIndex((n) => n.index > max);
    const node = spec.topology.nodes[i];
    if (node !== undefined) return at("OVERFLOW", ["topology", "nodes", i, "index"], "value", `index ${node.index} of "${node.name}" has no address in ${plane.cidr} of ${plane.name}`, `the highest is ${max}`);
  }
  return undefined;
};

const addressesFit: Check = (spec, at) => {
  const addresses = spec.targets.qemu?.lan.addresses;
  if (addresses === undefined) return undefined;
  const path = ["targets", "qemu", "lan", "addresses"];
  const lan = parseCidr(spec.network.lan);
  const names = spec.topology.nodes.map((n) => n.name);
  const seen = new Map<string, string>();
  for (const [name, address] of Object.entries(addresses)) {
    if (!names.includes(name)) {
      const near = nearest(name, names);
      return at("UNKNOWN_NODE", [...path, name], "key", `there is no node "${name}"`, near === undefined ? "" : `did you mean "${near}"?`);
    }
    const other = seen.get(address);
    if (other !== undefined) return at("DUPLICATE", [...path, name], "value", `address ${address} of "${name}" is also that of "${other}"`, "addresses are unique");
    seen.set(address, name);
    const host = parseIpv4(address) - lan.network;
    if (host < 1 || host > maxIndex(lan)) return at("OVERFLOW", [...path, name], "value", `${address} is no host address in the LAN ${spec.network.lan}`);
  }
  const without = names.find((name) => !Object.hasOwn(addresses, name));
  return without === undefined ? undefined : at("MISSING_ADDRESS", path, "key", `node "${without}" has no address here`, `add "${without}: ADDRESS"`);
};

/** All of them, in the order in which they are reported. */
export const checks: readonly Check[] = [rolesAreUsed, nodesAreDistinct, oneMaster, leaseOutlastsRenewals, ekRootsAreNamed, planesAreApart, indexesFit, addressesFit];
