import { join } from "node:path";
import { Server } from "@grpc/grpc-js";
import { verifierContext } from "../proto/evidence/extra-data.ts";
import { AdminServiceService } from "../proto/gen/kubedos/v1/admin.ts";
import { NodeServiceService } from "../proto/gen/kubedos/v1/node.ts";
import { BootError } from "./boot-error.ts";
import { Store } from "./db/store.ts";
import type { HubContext } from "./enroll/hub-context.ts";
import { LeaseBook, type LeaseTimes } from "./enroll/lease-book.ts";
import { endLeases, restoreLeases } from "./enroll/leases.ts";
import { LiveSessions } from "./enroll/live-sessions.ts";
import { Breaker, removeUnbacked } from "./enroll/remove-unbacked.ts";
import { steadyClock } from "./enroll/steady-clock.ts";
import { TokenBuckets } from "./enroll/token-buckets.ts";
import type { HubOptions } from "./hub-options.ts";
import { ClusterIssuer } from "./pki/cluster-issuer.ts";
import { loadIssuerKeys, spkiOf } from "./pki/issuer-keys.ts";
import { PlaneBook } from "./planes/plane-book.ts";
import type { HubPorts } from "./ports.ts";
import { adminService, type Caller } from "./rpc/admin-service.ts";
import { openGate } from "./rpc/gate.ts";
import { judgeNodePeer, judgeOperator } from "./rpc/judge-peer.ts";
import { nodeService, type NodeStreams, STREAM_TIMES } from "./rpc/node-service.ts";
import { openSocket } from "./rpc/open-socket.ts";
import { SERVER_OPTIONS } from "./rpc/server-options.ts";
import { acceptTrust } from "./trust/accept-trust.ts";
import { openDelivery } from "./trust/open-delivery.ts";
import { ReleaseBook } from "./trust/release-book.ts";
import { ReleaseFloor } from "./trust/release-floor.ts";
import { StoredDelivery } from "./trust/stored-delivery.ts";
import type { Trust } from "./trust/trust.ts";
import { firstAccepted, watchDelivery } from "./trust/watch-delivery.ts";

/** A hub whose listeners are open. */
export interface RunningHub {
  readonly nodePort: number;
  readonly operatorPort: number;
  readonly socketPath: string;
  /** Ends listeners, streams and timers, and closes the database. */
  close(): Promise<void>;
}

const HEARTBEAT_MS = 15_000;
const ANSWER_MS = 60_000;
/** How exactly renewals and ends of leases are met: a hundredth of a renewal, within these bounds. */
const TICK_MS = { least: 20, most: 1000 };
const DEFAULT_BUCKETS = { burst: 30, perSecond: 1 };

/**
 * The whole hub. Boot order: issuing keys → database → `issuers.json` is there for the agent's claims → the
 * generation's floor from the TPM → the delivery that was kept on the data volume, or wait for one that holds → its pins and releases count → own certificate → leases of before → listeners. Until
 * the last step nothing listens, so an unattested hub hands out nothing. Later deliveries (new pins, new releases) are taken
 * while it runs; one that doesn't hold is logged and changes nothing. Throws BootError `STOPPED` when `signal` fires first, and
 * `FLOOR_UNREADABLE`.
 */
export async function serveHub(options: HubOptions, hostPorts: HubPorts): Promise<RunningHub> {
  const ports = { ...hostPorts, clock: steadyClock(hostPorts.clock) };
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const { image } = options;
  const { cluster, rootCa } = image;
  const volume = image.volumes?.some((v) => v.mount === options.stateDir) === true ? options.stateDir : null;
  const keys = loadIssuerKeys({ lasting: volume ?? options.runDir, run: options.runDir });
  const store = new Store(join(options.stateDir, "hub.db"), { wallMs: () => ports.clock.wallMs(), ...keys });
  const cleanups: (() => void | Promise<void>)[] = [() => store.close()];
  const close = async (): Promise<void> => {
    stop.abort();
    while (cleanups.length > 0) await cleanups.pop()?.();
  };
  try {
    const issuers = { hub: spkiOf(keys.hub), node: spkiOf(keys.node) };
    const releases = new ReleaseBook(store, image, await ReleaseFloor.open(ports.floor, store, cluster));
    let hubSlot: string | null = null;
    const stored = new StoredDelivery(volume);
    const accept = async (data: Uint8Array): Promise<Trust> => {
      const nowMs = ports.clock.wallMs();
      const trust = openDelivery(data, { image, issuers, now: new Date(nowMs) });
      if (hubSlot !== null && trust.hubSlot !== hubSlot) throw new BootError("BAD_DELIVERY", "a later delivery can't move the hub to another slot");
      await acceptTrust(trust, { store, releases, cluster, rootCa, nowMs });
      hubSlot = trust.hubSlot;
      stored.keep(data);
      return trust;
    };
    const refused = (error: unknown): void => ports.log.error("delivery refused", { err: error });
    const deliveries = stored.before(watchDelivery(join(options.runDir, "delivery.json"), signal));
    ports.log.info("waiting for a delivery", { cluster });
    const trust = await firstAccepted(deliveries, accept, refused);

    const issuer = new ClusterIssuer({ cluster, keys, certificates: { hub: trust.hubIssuer, node: trust.nodeIssuer }, ...ports });
    const leaf = await issuer.issueHub(trust.hubSlot);
    const book = new PlaneBook(store.meta.nextEpoch(ports.clock.wallMs()));
    const leases = new LeaseBook(timesOf(options), ports.clock);
    const context: HubContext = {
      ...{ image, ports, store, issuer, book, releases, trust, live: new LiveSessions(), verifier: verifierContext(cluster, leaf.spki) },
      ...{ leases, unsavedEnds: { ids: new Set<string>(), notBeforeMs: 0 }, breaker: new Breaker() },
      buckets: new TokenBuckets(options.buckets ?? DEFAULT_BUCKETS, ports.clock),
    };
    restoreLeases(context);
    removeUnbacked(context);
    const listeners = await openListeners(context, options, leaf, cleanups);
    cleanups.push(...startTimers(context, listeners.nodes));
    takeLaterDeliveries(deliveries, accept, refused, context).catch(refused);
    ports.log.info("the hub is ready", { slot: trust.hubSlot, nodePort: listeners.nodePort, operatorPort: listeners.operatorPort });
    return { ...listeners, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openListeners(
  context: HubContext,
  options: HubOptions,
  leaf: Awaited<ReturnType<ClusterIssuer["issueHub"]>>,
  cleanups: (() => void | Promise<void>)[],
): Promise<Omit<RunningHub, "close"> & { readonly nodes: NodeStreams }> {
  const refused = (source: string, error: unknown): void => context.ports.log.warn("peer turned away", { source, err: error });

  const nodeServer = new Server(SERVER_OPTIONS);
  const nodes = nodeService(context, () => nodeGate, { ...STREAM_TIMES, ...options.times });
  nodeServer.addService(NodeServiceService, nodes.service);
  const nodeListen = { host: options.listen, port: options.nodePort };
  const nodeGate = await openGate({ server: nodeServer, leaf, listen: nodeListen, refused, admit: (der, source) => judgeNodePeer(context, der, source) });
  cleanups.push(() => nodeGate.close(), () => nodeServer.forceShutdown());

  const operatorServer = new Server(SERVER_OPTIONS);
  const operatorBehind = (address: string): Caller => ({ t: "operator", operator: judgeOperator(context, operatorGate.peerOf(address)) });
  operatorServer.addService(AdminServiceService, adminService(context, operatorBehind));
  const operatorListen = { host: options.listen, port: options.operatorPort };
  // The certificate itself is kept: it is judged again at each call.
  const admitOperator = (der: Uint8Array): Uint8Array => {
    judgeOperator(context, der);
    return der;
  };
  const operatorGate = await openGate({ server: operatorServer, leaf, listen: operatorListen, refused, admit: admitOperator });
  cleanups.push(() => operatorGate.close(), () => operatorServer.forceShutdown());

  const socketPath = join(options.runDir, "hub.sock");
  const socketServer = await openSocket(socketPath, adminService(context, () => ({ t: "socket" })));
  cleanups.push(() => socketServer.forceShutdown());
  return { nodePort: nodeGate.port, operatorPort: operatorGate.port, socketPath, nodes };
}

function timesOf({ image, times }: HubOptions): LeaseTimes {
  return { ...image.trust, answerMs: ANSWER_MS, heartbeatMs: HEARTBEAT_MS, ...times };
}

function startTimers(context: HubContext, nodes: NodeStreams): (() => void)[] {
  const guarded = (what: string, work: () => void) => (): void => {
    try {
      work();
    } catch (error) {
      context.ports.log.error(`${what} failed`, { err: error });
    }
  };
  const { renewMs, heartbeatMs } = context.leases.times;
  const tickMs = Math.min(TICK_MS.most, Math.max(TICK_MS.least, renewMs / 100));
  const ends = guarded("ending leases", () => endLeases(context));
  const { clock } = context.ports;
  let tickedMs = clock.monotonicMs();
  const renewals = guarded("renewals", () => {
    const lateMs = clock.monotonicMs() - tickedMs - tickMs;
    tickedMs += lateMs + tickMs;
    nodes.tick(Math.max(0, lateMs));
  });
  const removals = guarded("removals", () => {
    if (context.breaker.doubted) removeUnbacked(context);
  });
  const timers = [
    setInterval(guarded("heartbeat", () => nodes.heartbeat()), heartbeatMs),
    setInterval(() => {
      ends();
      renewals();
      removals();
    }, tickMs),
  ];
  return timers.map((timer) => () => clearInterval(timer));
}

async function takeLaterDeliveries(
  deliveries: AsyncGenerator<Uint8Array>,
  accept: (data: Uint8Array) => Promise<Trust>,
  refused: (error: unknown) => void,
  context: HubContext,
): Promise<void> {
  for await (const data of deliveries) {
    try {
      const trust = await accept(data);
      context.trust = trust;
      context.breaker.doubted = true;
      context.ports.log.info("took a new delivery", { pins: trust.pins.value.serial });
    } catch (error) {
      refused(error);
    }
  }
}
