import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { NodeKeys } from "../boot/node-keys.ts";
import type { DesiredInterface, DesiredPeer } from "../wg/desired.ts";
import type { VerifiedPeer } from "./peer-map.ts";
import type { NodePlace } from "./read-admission.ts";

/** WireGuard's overhead on an Ethernet of 1500 bytes, IPv6 outside included. */
const MTU = 1420;
/** Seconds; keeps a NAT's or firewall's entry alive. */
const KEEPALIVE = 25;

/** The interfaces that a place and its verified peers ask for. */
export function desiredPlanes(from: {
  readonly config: ImageConfig;
  readonly keys: NodeKeys;
  readonly place: NodePlace;
  readonly peers: readonly VerifiedPeer[];
}): readonly DesiredInterface[] {
  const { config, keys, place, peers } = from;
  return config.planes.map(({ name, cidr, port }) => ({
    name,
    address: place.addresses[name],
    cidr,
    mtu: MTU,
    // Who is dialled needs a known port; who dials takes any.
    listenPort: config.hub ? port : null,
    publicKey: keys.wireguard[name].publicKey,
    peers: peers.flatMap((peer) =>
      peer.planes
        .filter((p) => p.plane === name)
        .map((p): DesiredPeer => ({
          publicKey: p.publicKey,
          allowedIps: [p.address],
          endpoint: p.endpoint,
          keepalive: config.hub || p.endpoint === null ? 0 : KEEPALIVE,
        })),
    ),
  }));
}
