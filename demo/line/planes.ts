import type { PlaneStatus } from "../../agent/status/status.ts";
import { PLANES } from "../../proto/evidence/claims.ts";
import type { Demo } from "../demo.ts";
import { workersOf } from "./workers.ts";

const MASTER = "master";

/** From inside the guests: every plane both ways, and a port that is shut on the LAN and open on wg1. */
export async function provePlanes(demo: Demo): Promise<void> {
  const names = [MASTER, ...workersOf(demo)];
  for (const name of names) {
    const planes = await demo.until(`${name}'s planes to be up`, 60, async () => {
      const status = await demo.status(name);
      return status !== null && status.planes.length === PLANES.length && status.planes.every((plane) => plane.up && plane.peers.length > 0) ? status.planes : null;
    });
    demo.report.prove(`${name}'s kernel has wg1, wg2 and wg3 with peers`, planes.every(hasOnlyHostRoutes), planes.map((p) => p.address).join(" "));
  }
  let id = 1;
  for (const name of names) {
    const answer = await demo.until(`${name} to reach its peers on every plane`, 60, async () => {
      const probe = await demo.probe(name, id++);
      return probe.planes.length >= PLANES.length && probe.planes.every((plane) => plane.ping) ? probe : null;
    });
    const peers = [...new Set(answer.planes.map((plane) => plane.peer))];
    demo.report.prove(`${name} pings ${peers.join(" and ")} on wg1, wg2 and wg3`, true, answer.planes.map((p) => `${p.ms} ms`).join(", "));
    if (name === MASTER) continue;
    const outcome = (zone: string): string => answer.tcp.find((probe) => probe.zone === zone)?.outcome ?? "not tried";
    demo.report.prove(`from ${name}, the master's port 7444 is shut on the LAN and open on wg1`, outcome("lan") !== "open" && outcome("lan") !== "not tried" && outcome("wg1") === "open", `LAN ${outcome("lan")}, wg1 ${outcome("wg1")}`);
  }
}

/** Peers get single addresses: a plane is no accidental mesh. */
function hasOnlyHostRoutes(plane: PlaneStatus): boolean {
  return plane.peers.every((peer) => peer.allowedIps.every((ip) => ip.endsWith("/32")));
}
