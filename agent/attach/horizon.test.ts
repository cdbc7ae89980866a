import { createPrivateKey } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { admit, imageConfig, peer, rootPem, smbiosTable } from "../../test/fakes/agent-case.ts";
import { AgentWorld } from "../../test/fakes/agent-world.ts";
import { until } from "../../test/fakes/live-node.ts";
import { type NodeCall, sendChallenge, startNodeHub } from "../../test/fakes/node-hub.ts";
import { makeIdentity, makePki } from "../../test/fakes/pki.ts";
import type { Heartbeat } from "../../proto/gen/kubedos/v1/node.ts";
import { FIRST_BOOT } from "../boot/first-boot.ts";
import { runSteps } from "../boot/step.ts";
import { grpcConnector } from "../host/grpc-connector.ts";
import { PATHS } from "../paths.ts";
import { StatusBoard } from "../status/status-board.ts";
import { attachForever } from "./attach-forever.ts";
import { steadyClock } from "./steady-clock.ts";

const pki = await makePki("demo");
const hubIdentity = await makeIdentity(pki, "hub", "master-1");
const operator = await makeIdentity(pki, "operator", "alice");
const [m1, m2] = [peer(operator, "master-1", "master", 1, "192.168.100.1"), peer(operator, "w-2", "worker", 6)];
const LEASE = 60_000;

/** The test's side of a stream that has admitted the agent. */
interface Hub {
  readonly call: NodeCall;
  beat(horizonMs: number, change?: Partial<Heartbeat>): void;
  /** A delta; resolves when it was acknowledged. */
  delta(change: { readonly set?: readonly (typeof m1)[]; readonly remove?: readonly string[] }): Promise<void>;
}

/** An agent and a hub that says what the test wants; time of the boot clock is real plus `world.bootSkew`. */
async function setUp(t: { teardown(work: () => unknown): unknown }, world = newWorld()) {
  const hubs: Hub[] = [];
  let serial = 0n;
  let agentKey: Parameters<typeof admit>[2] | null = null;
  let ekName = "";
  const hub = await startNodeHub(hubIdentity, async (call) => {
    const hello = await call.next("hello");
    sendChallenge(call, hello, "demo", hubIdentity);
    await call.next("evidence");
    if (agentKey === null) return call.end();
    call.send({ $case: "admission", value: await admit(pki, operator, agentKey, ekName) });
    const update = async (change: object): Promise<void> => {
      call.send({ $case: "planeUpdate", value: { epoch: 1n, serial: ++serial, full: false, set: [], remove: [], ...change } });
      for (;;) {
        const ack = await call.next("planeAck").catch((error: unknown) => (String(error).includes("got report") ? null : Promise.reject(error)));
        if (ack !== null) return;
      }
    };
    await update({ full: true, set: [m1] });
    hubs.push({
      call,
      beat: (horizonMs, change) => call.send({ $case: "heartbeat", value: { epoch: 1n, serial, auditHead: "", horizonMs, verdicts: 1, ...change } }),
      delta: update,
    });
    await new Promise(() => undefined);
  });
  const start = async () => {
    const stop = new AbortController();
    const ports = world.ports(stop, { hub: grpcConnector, speed: 20 });
    const status = new StatusBoard(ports);
    const facts = await runSteps(FIRST_BOOT, { ports, status, signal: stop.signal });
    if (facts === null) throw new Error("the boot ended early");
    agentKey = createPrivateKey(facts.keys.tlsKey);
    ekName = facts.identity.ekName;
    const running = attachForever({ ports, status, ...facts }, { host: "127.0.0.1", port: hub.port }, stop.signal);
    return {
      state: () => status.status.node.state,
      end: async () => {
        stop.abort();
        await running;
        await status.flush();
      },
    };
  };
  t.teardown(() => hub.stop());
  const peers = (): number[] => ["wg1", "wg2", "wg3"].map((dev) => world.kernel.links.get(dev)?.peers.size ?? -1);
  const has = (n: number) => () => peers().every((p) => p === n);
  return { world, hubs, start, peers, has, stopHub: () => hub.stop() };
}

function newWorld(): AgentWorld {
  const world = new AgentWorld({ ...imageConfig(rootPem(pki), false), trust: { leaseMs: LEASE, renewMs: 10_000 } }, "a4852c21-6df1-4148-ba93-00485be83aaf");
  const hint = '{"v":1,"hub":{"host":"192.168.100.1","port":7443},"lan":[{"interface":"eth0","address":"192.168.100.5/24"}]}';
  world.put(PATHS.smbios, smbiosTable([`kubedos.hint=${hint}`]));
  return world;
}

t.test("the horizon of a heartbeat ends all planes, a later one brings back what is known by then", async (t) => {
  const { world, hubs, start, has, peers } = await setUp(t);
  const agent = await start();
  t.teardown(() => agent.end());
  await until("a stream", () => hubs.length === 1 && has(1)());
  const [hub] = hubs;
  hub?.beat(400);
  await sleep(200);
  t.same(peers(), [1, 1, 1], "before it");
  await until("the end", has(0), 2000);
  t.equal(agent.state(), "adrift");
  t.match(world.lines.at(-1), /^adrift as w-1: .*all peers were dropped/);
  t.notMatch(world.kernel.ruleset, /192\.168\.100\.9/);
  await hub?.delta({ set: [m2], remove: [m1.id] });
  t.same(peers(), [0, 0, 0], "what the hub says is kept, not used");
  hub?.beat(5000);
  await until("its return", has(1));
  t.ok(world.kernel.links.get("wg1")?.peers.has(m2.planes[0]?.publicKey ?? ""), "with the peers of now");
  t.equal(agent.state(), "admitted");
});

t.test("without any heartbeat the lease of the first evidence is the horizon", async (t) => {
  const { world, hubs, start, has, peers } = await setUp(t);
  const agent = await start();
  t.teardown(() => agent.end());
  await until("a stream", () => hubs.length === 1 && has(1)());
  world.bootSkew += LEASE - 2000;
  await sleep(200);
  t.same(peers(), [1, 1, 1]);
  world.bootSkew += 2000;
  await until("the end", has(0), 2000);
  t.equal(agent.state(), "adrift");
});

t.test("a word of the hub can shorten the horizon, and none lengthens it beyond a lease after the evidence", async (t) => {
  const { world, hubs, start, has, peers } = await setUp(t);
  const agent = await start();
  t.teardown(() => agent.end());
  await until("a stream", () => hubs.length === 1 && has(1)());
  hubs[0]?.beat(4_000_000_000);
  await sleep(100);
  world.bootSkew += LEASE - 500;
  // As one that lay in a buffer while the process was stopped.
  hubs[0]?.beat(LEASE);
  await sleep(100);
  t.same(peers(), [1, 1, 1]);
  await until("the end", has(0), 3000);
  hubs[0]?.beat(LEASE);
  await sleep(200);
  t.same(peers(), [0, 0, 0], "not by the old evidence");
  hubs[0]?.beat(LEASE, { verdicts: 2 });
  await until("a new stream, since no second evidence was ever asked for", () => hubs.length === 2);
  await until("its return", has(1));
});

t.test("suspended for longer than the horizon: dropped before the hub's next word counts", async (t) => {
  const { world, hubs, start, has } = await setUp(t);
  const agent = await start();
  t.teardown(() => agent.end());
  await until("a stream", () => hubs.length === 1 && has(1)());
  hubs[0]?.beat(30_000);
  await sleep(100);
  world.kernel.commands.length = 0;
  world.bootSkew += 30_000;
  await hubs[0]?.delta({ set: [m2] });
  const sets = world.kernel.commands.filter((c) => c.startsWith("wg set"));
  t.ok(sets.length > 0 && sets.every((c) => c.includes(" remove")), "all that reached the kernel are removals");
  t.ok(has(0)());
});

t.test("an agent's next life keeps the horizon of this boot, and drops peers that have none", async (t) => {
  const { world, hubs, start, has, stopHub } = await setUp(t);
  const first = await start();
  await until("a stream", () => hubs.length === 1 && has(1)());
  hubs[0]?.beat(20_000);
  await sleep(100);
  await first.end();
  stopHub();
  const second = await start();
  await sleep(200);
  t.ok(has(1)(), "the time isn't over");
  world.bootSkew += 20_000;
  await until("the end", has(0), 2000);
  await second.end();

  const stale = world.text(PATHS.horizon);
  for (const [name, text] of [["none", null], ["of another boot", stale.replace("a4852c21", "b4852c21").replace(/"untilMs":\d+/, '"untilMs":99999999999')], ["garbage", "{"]] as const) {
    const again = newWorld();
    const s = await setUp(t, again);
    const life = await s.start();
    await until("a stream", () => s.hubs.length === 1 && s.has(1)());
    await life.end();
    s.stopHub();
    if (text === null) again.files.delete(PATHS.horizon);
    else again.put(PATHS.horizon, new TextEncoder().encode(text));
    const next = await s.start();
    await until(`dropped: a horizon that is ${name}`, s.has(0), 2000);
    t.equal(next.state(), "adrift", name);
    await next.end();
  }
});

t.test("the date never goes back", async (t) => {
  let now = 1000;
  const clock = steadyClock({ now: () => new Date(now), uptime: () => 1, bootTime: () => 2, sleep: async () => undefined });
  t.equal(clock.now().getTime(), 1000);
  now = 5000;
  t.equal(clock.now().getTime(), 5000);
  now = 10;
  t.equal(clock.now().getTime(), 5000);
  t.same([clock.uptime(), clock.bootTime()], [1, 2]);
});
