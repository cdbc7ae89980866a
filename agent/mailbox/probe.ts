import type { PlaneName } from "../../proto/evidence/claims.ts";
import type { VerifiedPeer } from "../attach/peer-map.ts";
import type { Firewall } from "../nft/firewall.ts";
import { HUB_OPERATOR_PORT, type ProbeHole } from "../nft/model.ts";
import type { Ports, TcpOutcome } from "../ports.ts";

const TCP_TIMEOUT_MS = 2000;
const PINGS_AT_ONCE = 8;

/** One ping over one plane. */
export interface PlaneProbe {
  readonly plane: PlaneName;
  readonly peer: string;
  readonly address: string;
  readonly ping: boolean;
  /** Round trip; null where nothing came back. */
  readonly ms: number | null;
}

/** One TCP connect to the hub's operator port: expected to be shut on the LAN and open on wg1. */
export interface TcpProbeResult {
  readonly zone: "lan" | "wg1";
  readonly address: string;
  readonly port: number;
  readonly outcome: TcpOutcome;
}

/** `out/probe.json`. */
export interface ProbeAnswer {
  readonly id: number;
  readonly planes: readonly PlaneProbe[];
  readonly tcp: readonly TcpProbeResult[];
}

/**
 * Tries what this node's own peer map says, and nothing that the request could name: a ping to each peer in each plane,
 * and from a spoke the hub's operator port over the LAN and over wg1. Our own firewall lets exactly these two out
 * meanwhile, so that an answer is the hub's.
 */
export async function probePlanes(ports: Ports, firewall: Firewall, peers: readonly VerifiedPeer[], id: number): Promise<ProbeAnswer> {
  const targets = peers.flatMap((peer) => peer.planes.map((place) => ({ peer: peer.name, plane: place.plane, address: hostOf(place.address) })));
  targets.sort((a, b) => (`${a.plane} ${a.peer}` < `${b.plane} ${b.peer}` ? -1 : 1));
  const planes: PlaneProbe[] = [];
  for (let at = 0; at < targets.length; at += PINGS_AT_ONCE) {
    planes.push(...(await Promise.all(targets.slice(at, at + PINGS_AT_ONCE).map(async (t) => ({ ...t, ...(await ping(ports, t.address)) })))));
  }
  const holes = firewall.model.hub ? [] : hubTargets(peers);
  return { id, planes, tcp: await probeTcp(ports, firewall, holes) };
}

type Hole = ProbeHole & { readonly zone: TcpProbeResult["zone"] };

/** In hub-and-spoke the one peer that a spoke dials is the hub. */
function hubTargets(peers: readonly VerifiedPeer[]): readonly Hole[] {
  const wg1 = peers.flatMap((peer) => peer.planes).find((place) => place.plane === "wg1" && place.endpoint !== null);
  if (wg1?.endpoint == null) return [];
  return [
    { zone: "lan", address: wg1.endpoint.split(":")[0] ?? "", port: HUB_OPERATOR_PORT },
    { zone: "wg1", address: hostOf(wg1.address), port: HUB_OPERATOR_PORT },
  ];
}

async function probeTcp(ports: Ports, firewall: Firewall, holes: readonly Hole[]): Promise<readonly TcpProbeResult[]> {
  if (holes.length === 0) return [];
  await firewall.update({ probes: holes });
  try {
    return await Promise.all(holes.map(async (hole) => ({ ...hole, outcome: await ports.tcp.connect(hole.address, hole.port, TCP_TIMEOUT_MS) })));
  } finally {
    await firewall.update({ probes: [] });
  }
}

async function ping(ports: Ports, address: string): Promise<Pick<PlaneProbe, "ping" | "ms">> {
  try {
    const said = await ports.runner.run(["ping", "-n", "-c1", "-W2", address]);
    const ms = /time=([\d.]+) ms/.exec(said)?.[1];
    return { ping: true, ms: ms === undefined ? null : Number(ms) };
  } catch {
    // Exit code 1: no answer. Anything else is no answer either.
    return { ping: false, ms: null };
  }
}

function hostOf(cidr: string): string {
  return cidr.split("/")[0] ?? "";
}
