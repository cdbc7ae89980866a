import { PLANES } from "../../proto/evidence/claims.ts";
import type { Demo } from "../demo.ts";
import { pinnedEk, workersOf } from "./workers.ts";

/** Revokes the last worker: gone from the master's kernel, and its identity doesn't come back, also not after a reset. */
export async function proveRevoked(demo: Demo): Promise<void> {
  const name = workersOf(demo).at(-1) ?? "";
  const ekName = pinnedEk(demo, name);
  await demo.hubJson(["window", "close"]);
  const revoked = await demo.hub(["revoke", name, "--reason", "demo", "--yes"]);
  demo.report.prove(`${name} is revoked, and its live peers have acknowledged`, revoked.code === 0, revoked.stdout.trim().split("\n")[0] ?? "");
  await demo.until(`${name} to vanish from the master's kernel`, 15, async () => {
    const status = await demo.status("master");
    const gone = status?.planes.length === PLANES.length && status.planes.every((plane) => plane.peers.every((peer) => peer.name !== name));
    return gone === true ? true : null;
  });
  demo.report.prove(`${name} vanished from the master's kernel on all planes`, true);
  await demo.cluster.guest(name).reset();
  const refusal = await demo.until(`${name} to ask again after its reset`, 240, async () => {
    const status = await demo.status(name);
    return status?.node.state === "refused" && status.phase === "kubedos-agent" ? status.node : null;
  });
  const node = (await demo.nodes()).find((n) => n.ekName === ekName);
  demo.report.prove(`${name}, booted anew from the right image, can't come back with the same identity`, node?.state !== "connected" && node?.attached !== true, refusal.code);
}

/** What the hub says at the end, for the table. */
export async function recordNodes(demo: Demo): Promise<void> {
  const nodes = await demo.nodes();
  for (const { name, role } of demo.built.spec.topology.nodes) {
    const node = nodes.find((n) => n.ekName === pinnedEk(demo, name));
    const status = node?.state === "connected" ? await demo.status(name) : null;
    const planes = Object.fromEntries(PLANES.map((plane) => [plane, status?.planes.find((p) => p.name === plane)?.up === true]));
    demo.report.result.nodes.push({ name, role, state: node?.state ?? "unknown", planes });
  }
  const outside = nodes.filter((n) => n.state === "connected" && !demo.built.spec.topology.nodes.some((node) => node.name === n.name));
  demo.report.prove("nobody else is connected", outside.length === 0);
}
