import { maxIndex, overlaps, parseCidr, parseIpv4 } from "../cidr.ts";
import { nearest } from "../nearest.ts";
import { type Check, type Problem, wrongKey, wrongValue } from "../problem.ts";
import type { ClusterSpec } from "../schema.ts";

/** Each plane is there once, with a port of its own. */
export const planesAreDistinct: Check = function* ({ network: { planes } }) {
  for (const [i, plane] of planes.entries()) {
    const path = ["network", "planes", i];
    const before = planes.slice(0, i);
    if (before.some((p) => p.name === plane.name)) yield wrongValue("DUPLICATE", [...path, "name"], `plane "${plane.name}" is listed twice`, "the planes are wg1, wg2 and wg3");
    const samePort = before.find((p) => p.port === plane.port);
    if (samePort !== undefined) yield wrongValue("DUPLICATE", [...path, "port"], `port ${plane.port} of ${plane.name} is also that of ${samePort.name}`, "each plane has a port of its own");
  }
};

/** A network of the cluster: what it is called in a sentence, and where it was written. */
interface Named {
  readonly name: string;
  readonly cidr: string;
  readonly path: readonly PropertyKey[];
}

/** No two networks share an address: a packet must have one way to go. */
export const networksAreApart: Check = function* (spec) {
  const all = networks(spec);
  for (const [i, network] of all.entries()) {
    const clash = all.slice(0, i).find((other) => overlaps(parseCidr(other.cidr), parseCidr(network.cidr)));
    if (clash !== undefined) yield wrongValue("OVERLAP", network.path, `${network.cidr} of ${network.name} overlaps ${clash.cidr} of ${clash.name}`, "LAN, planes, pods and services are separate networks");
  }
};

function networks({ network, workloads: { kubernetes } }: ClusterSpec): readonly Named[] {
  const path = ["workloads", "kubernetes"];
  return [
    { name: "the LAN", cidr: network.lan, path: ["network", "lan"] },
    ...network.planes.map(({ name, cidr }, i) => ({ name, cidr, path: ["network", "planes", i, "cidr"] })),
    ...(kubernetes === undefined
      ? []
      : [
          { name: "services", cidr: kubernetes.serviceCidr, path: [...path, "serviceCidr"] },
          { name: "pods", cidr: kubernetes.podCidr, path: [...path, "podCidr"] },
        ]),
  ];
}

/** Every node has an address in every plane. */
export const indexesFit: Check = function* ({ network, topology }) {
  const narrow = network.planes.reduce((a, b) => (maxIndex(parseCidr(b.cidr)) < maxIndex(parseCidr(a.cidr)) ? b : a));
  const max = maxIndex(parseCidr(narrow.cidr));
  for (const [i, node] of topology.nodes.entries()) {
    if (node.index > max) yield wrongValue("OVERFLOW", ["topology", "nodes", i, "index"], `index ${node.index} of "${node.name}" has no address in ${narrow.cidr} of ${narrow.name}`, `the highest is ${Math.max(0, max)}`);
  }
};

/** Where addresses are given, every node has one, of its own, in the LAN. */
export const addressesFit: Check = function* ({ network, topology }) {
  const { addresses, lan } = network;
  if (addresses === undefined) return;
  const path = ["network", "addresses"];
  const taken = new Map<string, string>();
  yield* namesFit(addresses, topology.nodes.map((n) => n.name), path, (name) => wrongKey("MISSING_ADDRESS", path, `node "${name}" has no address here`, `add "${name}: ADDRESS"`));
  for (const [name, address] of Object.entries(addresses)) {
    const other = taken.get(address);
    if (other !== undefined) yield wrongValue("DUPLICATE", [...path, name], `address ${address} of "${name}" is also that of "${other}"`, "addresses are unique");
    else if (!isHostOf(lan, address)) yield wrongValue("OVERFLOW", [...path, name], `${address} is no host address in the LAN ${lan}`, hostsOf(lan));
    taken.set(address, name);
  }
};

/** The router is no node. */
export const gatewayIsFree: Check = function* ({ network: { gateway, lan, addresses } }) {
  if (gateway !== undefined) yield* addressIsFree("the gateway", gateway, ["network", "gateway"], lan, addresses);
};

/** An address in the LAN that is no node's. */
export function* addressIsFree(what: string, address: string, path: readonly PropertyKey[], lan: string, addresses: Readonly<Record<string, string>> = {}): Generator<Problem> {
  if (!isHostOf(lan, address)) yield wrongValue("OVERFLOW", path, `${address} of ${what} is no host address in the LAN ${lan}`, hostsOf(lan));
  const holder = Object.entries(addresses).find(([, other]) => other === address);
  if (holder !== undefined) yield wrongValue("DUPLICATE", path, `address ${address} of ${what} is also that of "${holder[0]}"`, "addresses are unique");
}

/** A table by node names has every node and nobody else. */
export function* namesFit(table: Readonly<Record<string, unknown>>, names: readonly string[], path: readonly PropertyKey[], missing: (name: string) => Problem): Generator<Problem> {
  const known = new Set(names);
  for (const name of Object.keys(table)) {
    if (known.has(name)) continue;
    const near = nearest(name, names);
    yield wrongKey("UNKNOWN_NODE", [...path, name], `there is no node "${name}"`, near === undefined ? "it is a line for each node of topology.nodes" : `did you mean "${near}"?`);
  }
  for (const name of known) if (!Object.hasOwn(table, name)) yield missing(name);
}

function isHostOf(lan: string, address: string): boolean {
  const { network, size, prefix } = parseCidr(lan);
  const host = parseIpv4(address) - network;
  // A /31 or /32 has neither a network's nor a broadcast address; it is no LAN for a cluster either.
  return prefix < 31 && host >= 1 && host <= size - 2;
}

function hostsOf(lan: string): string {
  const { prefix, size } = parseCidr(lan);
  return prefix < 31 ? `it has ${size - 2} of them` : "it has none";
}
