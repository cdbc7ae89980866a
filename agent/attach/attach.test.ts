import { createPrivateKey, X509Certificate } from "node:crypto";
import t from "tap";
import { admit, imageConfig, peer, rootPem, smbiosTable, spkiOf } from "../../test/fakes/agent-case.ts";
import { AgentWorld } from "../../test/fakes/agent-world.ts";
import { until } from "../../test/fakes/live-node.ts";
import { type NodeCall, type NodeHub, sendChallenge, startNodeHub } from "../../test/fakes/node-hub.ts";
import { makeIdentity, makePki } from "../../test/fakes/pki.ts";
import { MAX_MESSAGE_BYTES } from "../../proto/evidence/limits.ts";
import { FIRST_BOOT } from "../boot/first-boot.ts";
import { runSteps } from "../boot/step.ts";
import { grpcConnector } from "../host/grpc-connector.ts";
import { AgentError } from "../error.ts";
import { PATHS } from "../paths.ts";
import type { Ports } from "../ports.ts";
import { StatusBoard } from "../status/status-board.ts";
import { attachForever, hubAddress } from "./attach-forever.ts";
import { backoffMs } from "./backoff.ts";

const pki = await makePki("demo");
const hubIdentity = await makeIdentity(pki, "hub", "master-1");
const operator = await makeIdentity(pki, "operator", "alice");
const master = peer(operator, "master-1", "master", 1, "192.168.100.1");

/** A booted agent that dials the test's hub. Time runs 50 times as fast. */
async function startAgent(world: AgentWorld, hub: NodeHub, runner?: Ports["runner"]) {
  const stop = new AbortController();
  const given = world.ports(stop, { hub: grpcConnector, speed: 50 });
  const ports = { ...given, runner: runner ?? given.runner };
  const status = new StatusBoard(ports);
  const facts = await runSteps(FIRST_BOOT, { ports, status, signal: stop.signal });
  if (facts === null) throw new Error("the boot ended early");
  const running = attachForever({ ports, status, ...facts }, { host: "127.0.0.1", port: hub.port }, stop.signal);
  return {
    facts,
    status: () => status.status,
    key: createPrivateKey(facts.keys.tlsKey),
    async end() {
      stop.abort();
      await running;
      await status.flush();
    },
  };
}

/** What systemd was asked to do with the role's own services. */
function services(world: AgentWorld): readonly string[] {
  return world.kernel.units.filter((command) => command.endsWith("kubedos-admitted.target"));
}

function newWorld(): AgentWorld {
  const world = new AgentWorld(imageConfig(rootPem(pki), false), "a4852c21-6df1-4148-ba93-00485be83aaf");
  const hint = '{"v":1,"hub":{"host":"192.168.100.1","port":7443},"lan":[{"interface":"eth0","address":"192.168.100.5/24"}]}';
  world.put(PATHS.smbios, smbiosTable([`kubedos.hint=${hint}`]));
  return world;
}

/** Up to the point where the hub believes the evidence. */
async function attest(call: NodeCall): Promise<void> {
  const hello = await call.next("hello");
  sendChallenge(call, hello, "demo", hubIdentity);
  await call.next("evidence");
}

t.test("pending, admitted, peers, a break, back, refused for good", async (t) => {
  const world = newWorld();
  const certificates: Uint8Array[] = [];
  let agent: Awaited<ReturnType<typeof startAgent>> | undefined;
  const seen: string[] = [];
  const goOn: (() => void)[] = [];
  const pause = async (): Promise<void> => await new Promise((resolve) => goOn.push(resolve));
  const hub = await startNodeHub(hubIdentity, async (call, n) => {
    certificates.push(call.certificate);
    await attest(call);
    if (n === 0) {
      call.send({ $case: "waiting", value: { id: "bb00", state: "pending", message: "waits for\x1b[31m an operator" } });
      await pause();
    }
    if (n < 2 && agent !== undefined) {
      const admission = await admit(pki, operator, agent.key, agent.facts.identity.ekName);
      call.send({ $case: "admission", value: admission });
      call.send({ $case: "planeUpdate", value: { epoch: 1n, serial: BigInt(n * 10 + 1), full: true, set: [master], remove: [] } });
      const ack = await call.next("planeAck");
      seen.push(`ack ${ack.epoch}.${ack.serial}`);
      seen.push(`up ${(await call.next("report")).interfacesUp.join(",")}`);
      await pause();
    } else call.send({ $case: "refusal", value: { code: "IDENTITY_REVOKED", message: "revoked by alice", id: "bb00", retryAfterMs: 0 } });
    call.end();
  });
  t.teardown(() => hub.stop());
  agent = await startAgent(world, hub);
  const node = agent;
  t.teardown(() => node.end());

  await until("pending", () => node.status().node.state === "pending");
  t.match(world.lines.at(-1), /^pending as bb00: waits for\?\[31m an operator \[EK [0-9a-f]{16}\]$/, "no escape reaches the console");
  t.equal(node.facts.measurer.phase, "kubedos-agent");
  t.equal(world.kernel.links.size, 0, "no plane before admission");
  t.same(services(world), [], "and no service of the role");
  t.notMatch(world.kernel.ruleset, /51821/);

  goOn.shift()?.();
  await until("an ack", () => seen.length === 2);
  t.same(seen, ["ack 1.1", "up wg1,wg2,wg3"]);
  t.same(world.extended, ["kubedos-agent", "kubedos-admitted"]);
  t.match(node.status().node, { state: "admitted", name: "w-1", index: 5 });
  t.same(world.kernel.links.get("wg1")?.peers.get(master.planes[0]?.publicKey ?? ""), { endpoint: "192.168.100.1:51821", allowedIps: "10.78.0.1/32", keepalive: "25" });
  t.match(world.kernel.ruleset, /ip daddr 192\.168\.100\.1 udp dport 51821 accept/);
  t.match(JSON.parse(world.text(PATHS.status)).planes, [{ name: "wg1", up: true, peers: [{ name: "master-1" }] }, {}, {}]);
  await until("the services' start", () => services(world).length === 1);
  t.equal(services(world)[0], "start --no-block kubedos-admitted.target");

  world.kernel.commands.length = 0;
  goOn.shift()?.();
  await until("a second session", () => seen.length === 4);
  t.same(seen.slice(2), ["ack 1.11", "up wg1,wg2,wg3"]);
  t.same(world.kernel.commands.filter((c) => !c.includes("show")), [], "the break changed nothing in the kernel");
  t.same(world.extended, ["kubedos-agent", "kubedos-admitted"], "a word is extended once");
  const [first, second] = certificates.map((der) => new X509Certificate(der));
  t.match(first?.issuer, /without identity/);
  t.match(second?.subjectAltName, /kubedos:\/\/node\.demo\/w-1/, "the node certificate is shown once there is one");
  t.same(second?.publicKey.export({ type: "spki", format: "der" }), Buffer.from(spkiOf(node.key)), "over the same key");

  goOn.shift()?.();
  await until("refused", () => node.status().node.state === "refused" && world.kernel.links.size === 0);
  t.match(node.status().node, { code: "IDENTITY_REVOKED", retryInSeconds: 60 });
  t.notMatch(world.kernel.ruleset, /51821/, "the firewall is as before admission");
  t.notOk(world.files.has(PATHS.node));
  await until("the services' stop", () => services(world).length === 2);
  t.equal(services(world)[1], "stop --no-block kubedos-admitted.target");
});

t.test("an agent that was killed keeps its planes and takes them up again", async (t) => {
  const world = newWorld();
  const admitted: (() => Promise<unknown>)[] = [];
  let acks = 0;
  const hub = await startNodeHub(hubIdentity, async (call) => {
    await attest(call);
    call.send({ $case: "admission", value: (await admitted[0]?.()) as never });
    call.send({ $case: "planeUpdate", value: { epoch: 1n, serial: 1n, full: true, set: [master], remove: [] } });
    await call.next("planeAck");
    acks++;
  });
  t.teardown(() => hub.stop());
  const first = await startAgent(world, hub);
  admitted.push(() => admit(pki, operator, first.key, first.facts.identity.ekName));
  await until("an ack", () => acks === 1);
  await until("the services of the first life", () => services(world).length === 1);
  await first.end();
  world.kernel.commands.length = 0;
  const second = await startAgent(world, hub);
  await until("an ack of the second life", () => acks === 2);
  await until("the services of the second life", () => services(world).length === 2);
  await second.end();
  const start = "systemctl start --no-block kubedos-admitted.target";
  t.same(world.kernel.commands.filter((c) => !c.includes("show")), ["nft -f -", "ip -batch -", start], "the same ruleset and LAN, no plane touched");
  t.match(world.kernel.ruleset, /udp dport 51821/);
  t.same(world.extended, ["kubedos-agent", "kubedos-admitted"]);
});

t.test("planes that fail: the next stream proves itself before it reports, however long the hub takes to ask", async (t) => {
  const world = newWorld();
  const kernel = world.kernel.runner();
  let broken = true;
  const runner: Ports["runner"] = {
    run: async (argv, stdin) => {
      if (broken && argv[1] === "set") throw new AgentError("COMMAND_FAILED", "wg: no memory");
      return await kernel.run(argv, stdin);
    },
  };
  let agent: Awaited<ReturnType<typeof startAgent>> | undefined;
  const seen: string[] = [];
  const hub = await startNodeHub(hubIdentity, async (call, n) => {
    const hello = await call.next("hello");
    if (n > 0) {
      broken = false;
      // Four times as long as the agent waits between two reports.
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    sendChallenge(call, hello, "demo", hubIdentity);
    await call.next("evidence").then(() => seen.push("evidence"), (error: Error) => seen.push(error.message));
    if (agent === undefined) return call.end();
    call.send({ $case: "admission", value: await admit(pki, operator, agent.key, agent.facts.identity.ekName) });
    call.send({ $case: "planeUpdate", value: { epoch: 1n, serial: 1n, full: true, set: [master], remove: [] } });
    await call.next("planeAck");
    seen.push("ack");
    await call.next("report");
    seen.push("report");
  });
  t.teardown(() => hub.stop());
  agent = await startAgent(world, hub, runner);
  const node = agent;
  t.teardown(() => node.end());
  await until("a report", () => seen.includes("report"));
  t.same(seen, ["evidence", "evidence", "ack", "report"]);
  t.match(world.lines.join("\n"), /no memory/, "the first stream ended because its planes failed");
});

t.test("a hub that breaks the rules gets nothing", async (t) => {
  const big = Buffer.alloc(4096, 1);
  const cases: [string, (call: NodeCall) => Promise<void>, RegExp][] = [
    ["peers before admission", async (call) => (await attest(call), call.send({ $case: "planeUpdate", value: { epoch: 1n, serial: 1n, full: true, set: [master], remove: [] } })), /before it admitted/],
    ["a short nonce", async (call) => (await call.next("hello"), call.send({ $case: "challenge", value: { nonce: Buffer.alloc(8), credentialBlob: big.subarray(0, 10), encryptedSecret: big.subarray(0, 10) } })), /wrong size/],
    ["an oversized credential", async (call) => (await call.next("hello"), call.send({ $case: "challenge", value: { nonce: Buffer.alloc(32), credentialBlob: big, encryptedSecret: big } })), /wrong size/],
    ["a message above the limit", async (call) => (await attest(call), call.send({ $case: "waiting", value: { id: "x", state: "pending", message: "x".repeat(MAX_MESSAGE_BYTES) } })), /TOO_LARGE, a message has more than the 524288 bytes/],
    ["an admission without an approval", async (call) => (await attest(call), call.send({ $case: "admission", value: { id: "x", name: "w-1", index: 5, certificateChain: [], planes: [], approval: undefined } })), /no operator's approval/],
  ];
  for (const [name, script, why] of cases) {
    const world = newWorld();
    const hub = await startNodeHub(hubIdentity, async (call) => {
      await script(call);
      await call.next("planeAck");
    });
    const agent = await startAgent(world, hub);
    await until(name, () => world.lines.some((line) => why.test(line)));
    await agent.end();
    hub.stop();
    t.equal(world.kernel.links.size, 0, name);
    t.same(world.extended, ["kubedos-agent"], `${name}: nothing was extended`);
  }
});

t.test("a hub that is away is asked again", async (t) => {
  const world = newWorld();
  const gone = await startNodeHub(hubIdentity, async () => undefined);
  gone.stop();
  const agent = await startAgent(world, gone);
  await until("unreachable", () => agent.status().node.state === "unreachable");
  let said = false;
  const hub = await startNodeHub(hubIdentity, async (call) => void (said = (await call.next("hello")).protocol === 1), gone.port);
  await until("hello after all", () => said);
  await agent.end();
  hub.stop();
  t.match(world.lines.join("\n"), /unreachable DISCONNECTED/);
});

t.test("where the hub is, and how long to wait", async (t) => {
  t.same(hubAddress(true, { host: "10.0.0.1", port: 1 }), { host: "127.0.0.1", port: 7443 });
  t.same(hubAddress(false, { host: "10.0.0.1", port: 1 }), { host: "10.0.0.1", port: 1 });
  t.equal(hubAddress(false, undefined), null);
  t.same([0, 1, 2, 5, 99].map((n) => backoffMs(n, 0)), [500, 1000, 2000, 15000, 15000]);
  t.equal(backoffMs(99, 0.5), 11250);
});
