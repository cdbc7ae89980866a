import type { AdminServiceClient, AuditRow, Node } from "../../proto/gen/kubedos/v1/admin.ts";
import type { Approval } from "../../proto/release/approval.ts";
import type { LeaseRule } from "../../proto/release/image-config.ts";
import { hostPorts } from "../../hub/host/host-ports.ts";
import type { HubOptions } from "../../hub/hub-options.ts";
import type { Clock, HubPorts } from "../../hub/ports.ts";
import type { RunningHub } from "../../hub/serve.ts";
import { operatorClient, signedStatement, unary } from "./admin-client.ts";
import { HubWorld } from "./hub-world.ts";
import { LiveNode } from "./live-node.ts";
import { type TestMachine, TestStream } from "./test-agent.ts";

/** Hint of a master: where its hub is reached. */
export const MASTER_HINT: string = JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } });

/** Boot and wall clock of a hub, both `skew.ms` ahead: a test pushes them. */
export function pushedClock(): { readonly clock: Clock; readonly skew: { ms: number } } {
  const skew = { ms: 0 };
  return { skew, clock: { monotonicMs: () => hostPorts().clock.monotonicMs() + skew.ms, wallMs: () => Date.now() + skew.ms } };
}

/** What a served hub is to be. */
export interface ServedHubOptions {
  /** Machines that the build host stamped, by their slot. */
  readonly pinned?: Readonly<Record<string, TestMachine>>;
  /** Further machines of the test, which end with it. */
  readonly others?: readonly TestMachine[];
  /** Slots of `pinned` whose approvals the delivery has. */
  readonly approved?: readonly string[];
  /** Opens a window for so many new machines, for an hour. */
  readonly window?: number;
  /** A lease that doesn't outlast a test. */
  readonly lease?: LeaseRule;
  readonly ports?: Partial<HubPorts>;
  readonly options?: Partial<HubOptions>;
  /** Changes the world before the hub is served. */
  readonly arrange?: (world: HubWorld) => void;
}

/** A hub in this process, its operator, and the ways to it. */
export interface ServedHub {
  readonly world: HubWorld;
  readonly hub: RunningHub;
  readonly admin: AdminServiceClient;
  /** A stream that says what the test says. */
  open(machine: TestMachine): TestStream;
  /** A stream that answers every challenge. */
  attach(machine: TestMachine): LiveNode;
  node(id: string): Promise<Node>;
  /** Rows of one action. */
  audit(action: string): Promise<readonly AuditRow[]>;
  approve(id: string, ekName: string, slot: string, changes?: Partial<Approval>): Promise<Node>;
}

/** Serves a hub for as long as a test runs: delivered, with its machines stamped. Whatever was opened is closed afterwards, machines and folder are gone. */
export async function serveHubFor(t: { teardown(end: () => void | Promise<void>): void }, o: ServedHubOptions = {}): Promise<ServedHub> {
  const { pinned = {}, others = [], approved = [] } = o;
  const world = await HubWorld.make(o.lease);
  for (const [slot, machine] of Object.entries(pinned)) world.pin(slot, machine.ekName);
  world.approvals = approved.flatMap((slot) => (pinned[slot] === undefined ? [] : [world.approval(pinned[slot].ekName, slot)]));
  o.arrange?.(world);
  const hub = await world.start(o.ports, o.options);
  const admin = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
  const opened: { close(): unknown }[] = [];
  t.teardown(async () => {
    await Promise.all(opened.map((stream) => stream.close()));
    admin.close();
    await hub.close();
    await Promise.all([...Object.values(pinned), ...others].map((machine) => machine.stop()));
    world.remove();
  });
  if (o.window !== undefined) await unary(admin, "openWindow", { seconds: 3600, max: o.window });
  const keep = <S extends { close(): unknown }>(stream: S): S => {
    opened.push(stream);
    return stream;
  };
  return {
    world,
    hub,
    admin,
    open: (machine) => keep(new TestStream(hub.nodePort, machine.key, [machine.certificate], world.image.rootCa)),
    attach: (machine) => keep(new LiveNode(machine, hub.nodePort, world.image.rootCa)),
    node: (id) => unary(admin, "getNode", { id }),
    audit: async (action) => (await unary(admin, "listAudit", { limit: 1000 })).rows.filter((row) => row.action === action),
    approve: (id, ekName, slot, changes = {}) => unary(admin, "approve", { id, approval: signedStatement(world.approval(ekName, slot, changes)), acceptRisks: [] }),
  };
}
