import type { DesiredInterface, DesiredPeer } from "./desired.ts";
import type { ObservedInterface, ObservedPeer } from "./observed.ts";

/** One change to the kernel. None holds a secret: `apply` fetches the private key by the interface's name. */
export type WireguardOp =
  | { readonly op: "link-remove"; readonly dev: string }
  | { readonly op: "link-add"; readonly dev: string }
  | { readonly op: "key-set"; readonly dev: string }
  | { readonly op: "listen-port-set"; readonly dev: string; readonly port: number }
  | { readonly op: "address-remove"; readonly dev: string; readonly address: string }
  | { readonly op: "address-add"; readonly dev: string; readonly address: string }
  | { readonly op: "link-up"; readonly dev: string; readonly mtu: number }
  | { readonly op: "route-add"; readonly dev: string; readonly cidr: string }
  | { readonly op: "peer-remove"; readonly dev: string; readonly publicKey: string }
  | { readonly op: "peer-set"; readonly dev: string; readonly peer: DesiredPeer };

/**
 * What turns `observed` into `desired`; empty when nothing is to be done. Three phases, so that few commands do it: links
 * come and go, then keys and peers, then addresses and routes. All of the kernel's WireGuard interfaces are ours, so one
 * that isn't desired goes. Peers are removed before any is set: an address moves to a new key only after the old one is gone.
 */
export function planWireguard(observed: readonly ObservedInterface[], desired: readonly DesiredInterface[]): readonly WireguardOp[] {
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  const gone = observed.filter((o) => !desired.some((d) => d.name === o.name)).sort(byName);
  const pairs = [...desired].sort(byName).map((want) => ({ want, seen: observed.find((o) => o.name === want.name) }));
  return [
    ...gone.map((o) => ({ op: "link-remove", dev: o.name }) as const),
    ...pairs.filter(({ seen }) => seen === undefined).map(({ want }) => ({ op: "link-add", dev: want.name }) as const),
    ...pairs.flatMap(({ want, seen }) => [...planDevice(want, seen), ...planPeers(want.name, seen?.peers ?? [], want.peers)]),
    ...pairs.flatMap(({ want, seen }) => planNetwork(want, seen)),
  ];
}

function planDevice(want: DesiredInterface, seen: ObservedInterface | undefined): readonly WireguardOp[] {
  const dev = want.name;
  const ops: WireguardOp[] = [];
  if (seen?.publicKey !== want.publicKey) ops.push({ op: "key-set", dev });
  if (want.listenPort !== null && seen?.listenPort !== want.listenPort) ops.push({ op: "listen-port-set", dev, port: want.listenPort });
  return ops;
}

function planPeers(dev: string, observed: readonly ObservedPeer[], desired: readonly DesiredPeer[]): readonly WireguardOp[] {
  const byKey = (a: { publicKey: string }, b: { publicKey: string }): number => (a.publicKey < b.publicKey ? -1 : 1);
  const removed = observed.filter((o) => !desired.some((d) => d.publicKey === o.publicKey)).sort(byKey);
  const set = desired.filter((d) => !isSame(observed.find((o) => o.publicKey === d.publicKey), d)).sort(byKey);
  return [
    ...removed.map((o) => ({ op: "peer-remove", dev, publicKey: o.publicKey }) as const),
    ...set.map((peer) => ({ op: "peer-set", dev, peer }) as const),
  ];
}

function planNetwork(want: DesiredInterface, seen: ObservedInterface | undefined): readonly WireguardOp[] {
  const dev = want.name;
  const addresses = seen?.addresses ?? [];
  const ops: WireguardOp[] = [];
  for (const address of addresses) if (address !== want.address) ops.push({ op: "address-remove", dev, address });
  if (!addresses.includes(want.address)) ops.push({ op: "address-add", dev, address: want.address });
  if (seen?.up !== true || seen.mtu !== want.mtu) ops.push({ op: "link-up", dev, mtu: want.mtu });
  if (seen?.routes.includes(want.cidr) !== true) ops.push({ op: "route-add", dev, cidr: want.cidr });
  return ops;
}

/** A peer without a desired endpoint has whatever its last packet came from: not a difference. */
function isSame(seen: ObservedPeer | undefined, want: DesiredPeer): boolean {
  return (
    seen !== undefined &&
    seen.keepalive === want.keepalive &&
    (want.endpoint === null || seen.endpoint === want.endpoint) &&
    seen.allowedIps.join() === want.allowedIps.join()
  );
}
