import { PLANES, type PlaneName } from "../../proto/evidence/claims.ts";
import type { PlanePeer, PlaneUpdate } from "../../proto/gen/kubedos/v1/node.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { OperatorTrust } from "../../proto/release/operator-statement.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { AgentError, errorCode } from "../error.ts";
import { addressInNetwork, parseIpv4, parseNetwork } from "../ipv4.ts";
import { verifyApproval } from "./verify-approval.ts";

/** A peer whose approval was verified, with its place in each plane. */
export interface VerifiedPeer {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly planes: readonly PeerPlace[];
}

/** Where a peer is in one plane. */
export interface PeerPlace {
  readonly plane: PlaneName;
  readonly publicKey: string;
  /** /32. */
  readonly address: string;
  /** IPv4:port; null: the peer dials. */
  readonly endpoint: string | null;
}

/** A peer that the hub named and this node refused, and why. */
export interface RefusedPeer {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** All peers at one (epoch, serial). */
export interface PeerMap {
  readonly epoch: bigint;
  readonly serial: bigint;
  readonly peers: ReadonlyMap<string, VerifiedPeer>;
  readonly refused: ReadonlyMap<string, RefusedPeer>;
}

/** This node, as far as its peers depend on it. */
export interface Here {
  readonly config: ImageConfig;
  readonly index: number;
  readonly trust: OperatorTrust;
}

/** What the update says to do; `stale` ones are older than what is known and change nothing. */
export type UpdateResult = { readonly t: "applied"; readonly map: PeerMap } | { readonly t: "stale" };

/**
 * The map after an update. A full one replaces everything, also by nothing; a delta changes what it names, and is only
 * taken in the epoch it belongs to. Throws {@link AgentError} `BAD_UPDATE` for a delta without its base: the caller then
 * attaches anew, which brings a full one.
 */
export function applyUpdate(map: PeerMap | null, update: PlaneUpdate, here: Here): UpdateResult {
  if (map !== null && isOlder(update, map)) return { t: "stale" };
  if (!update.full && (map === null || map.epoch !== update.epoch)) {
    throw new AgentError("BAD_UPDATE", `a delta of epoch ${update.epoch} has no base here`);
  }
  const peers = new Map(update.full ? [] : map?.peers);
  const refused = new Map(update.full ? [] : map?.refused);
  // Removals first: what is both removed and set in one update is a peer that came back.
  for (const id of update.remove) {
    peers.delete(id);
    refused.delete(id);
  }
  for (const peer of update.set) {
    // Whatever this id was before, it is that no longer, also when its new shape is refused.
    peers.delete(peer.id);
    refused.delete(peer.id);
    try {
      peers.set(peer.id, verifyPeer(peer, [...peers.values()], here));
    } catch (error) {
      refused.set(peer.id, { name: peer.name.slice(0, 63), code: errorCode(error), message: errorChain(error) });
    }
  }
  return { t: "applied", map: { epoch: update.epoch, serial: update.serial, peers, refused } };
}

function isOlder(update: PlaneUpdate, map: PeerMap): boolean {
  if (update.epoch !== map.epoch) return update.epoch < map.epoch;
  return update.full ? update.serial < map.serial : update.serial <= map.serial;
}

function verifyPeer(peer: PlanePeer, others: readonly VerifiedPeer[], here: Here): VerifiedPeer {
  const { id, name, role } = peer;
  verifyApproval(peer.approval, { slot: name, role }, here.trust);
  if (peer.index === here.index) throw new AgentError("PEER_REFUSED", `${name} has this node's own index`);
  const planes = peer.planes.map((endpoint) => {
    const plane = PLANES.find((p) => p === endpoint.plane);
    const network = parseNetwork(here.config.planes.find((p) => p.name === plane)?.cidr ?? "");
    if (plane === undefined || network === null) throw new AgentError("PEER_REFUSED", `${name} is in a plane that doesn't exist`);
    if (endpoint.address !== addressInNetwork(network, peer.index)) {
      throw new AgentError("PEER_REFUSED", `${name} has an address in ${plane} that isn't its own`);
    }
    return { plane, publicKey: readKey(endpoint.publicKey, name), address: endpoint.address, endpoint: readEndpoint(endpoint.endpoint, name) };
  });
  if (new Set(planes.map((p) => p.plane)).size !== planes.length) throw new AgentError("PEER_REFUSED", `${name} is twice in one plane`);
  for (const place of planes) checkUnique(place, name, others);
  return { id, name, role, planes };
}

/** In one plane a key and an address belong to one peer: the kernel would silently move them to the last that asks. */
function checkUnique(place: PeerPlace, name: string, others: readonly VerifiedPeer[]): void {
  for (const other of others) {
    for (const taken of other.planes) {
      if (taken.plane !== place.plane) continue;
      if (taken.publicKey === place.publicKey) throw new AgentError("PEER_REFUSED", `${name} has the key of ${other.name} in ${place.plane}`);
      if (taken.address === place.address) throw new AgentError("PEER_REFUSED", `${name} has the address of ${other.name} in ${place.plane}`);
    }
  }
}

function readKey(text: string, name: string): string {
  try {
    if (fromBase64(text).length === 32) return text;
  } catch {
    // Falls through to the refusal below.
  }
  throw new AgentError("PEER_REFUSED", `${name} has no Curve25519 key`);
}

/** The value ends in an argument of `wg` and in the ruleset, so nothing but IPv4:port passes. */
function readEndpoint(text: string, name: string): string | null {
  if (text === "") return null;
  const [host, port, ...rest] = text.split(":");
  const number = Number(port);
  if (parseIpv4(host ?? "") === null || rest.length > 0 || !/^[1-9]\d{0,4}$/.test(port ?? "") || number > 65535) {
    throw new AgentError("PEER_REFUSED", `${name} has the endpoint ${JSON.stringify(text.slice(0, 64))}`);
  }
  return text;
}
