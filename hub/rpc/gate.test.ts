import { generateKeyPairSync, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { connect as connectHttp2 } from "node:http2";
import tls, { connect as connectTls } from "node:tls";
import { Server } from "@grpc/grpc-js";
import t from "tap";
import { issueLeaf } from "../../proto/pki/issue.ts";
import { issueSelfSigned } from "../../proto/pki/self-signed.ts";
import { operatorClient, unary } from "../../test/fakes/admin-client.ts";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { chainPem, keyPem, makeIdentity, makePki, type TestIdentity } from "../../test/fakes/pki.ts";
import { selfSigned, TestMachine, TestStream } from "../../test/fakes/test-agent.ts";
import { NodeServiceService, type NodeServiceServer } from "../../proto/gen/kubedos/v1/node.ts";
import { type Gate, openGate } from "./gate.ts";

const world = await HubWorld.make();
const machine = await TestMachine.boot();
const hub = await world.start();
t.teardown(async () => {
  await hub.close();
  await machine.stop();
  world.remove();
});
const root = world.image.rootCa;
const span = (days: number) => ({ notBefore: new Date(Date.now() - 9 * 86_400_000), notAfter: new Date(Date.now() + days * 86_400_000), serial: new Uint8Array(16).fill(3) });
const stranger: TestIdentity = { key: machine.key, chain: [machine.certificate] };

/** A certificate whose issuer's name is its own, but signed by another key. */
async function falselySelfSigned(): Promise<TestIdentity> {
  const other = await makeIdentity(world.pki, "node", "w-1");
  const der = issueSelfSigned({ ...span(1), subjectKey: machine.key, key: other.key });
  return { key: machine.key, chain: [der] };
}

const foreign = await makePki("demo");
const expired = issueSelfSigned({ ...span(-1), subjectKey: machine.key, key: machine.key });
// Under the real node issuer's name and constraint, but over a key that this hub never made.
const forgedNode = await makeIdentity(world.pki, "node", "w-1");
const operator = world.operator;
const old = await makeIdentity(world.pki, "operator", "old", new Date(Date.now() - 1000));
const byNode = await issueLeaf({ ...span(1), subjectKey: machine.key, cluster: "demo", role: "operator", operatorRole: "admin", name: "eve", issuer: world.pki.issuers.node });

t.test("the node listener takes strangers who sign for themselves, and nobody else who isn't this hub's node", async (t) => {
  const refused: readonly [string, TestIdentity][] = [
    ["an operator", operator],
    ["a hub", await makeIdentity(world.pki, "hub", "master")],
    ["a node of another hub's issuer", forgedNode],
    ["a node under another root", await makeIdentity(foreign, "node", "w-1")],
    ["self-signed by name only", await falselySelfSigned()],
    ["self-signed and expired", { key: machine.key, chain: [expired] }],
  ];
  for (const [name, identity] of refused) {
    const stream = new TestStream(hub.nodePort, identity.key, identity.chain, root);
    stream.hello(machine);
    await stream.end();
    t.match(stream.error, { code: 14 }, `${name} is turned away`);
    t.equal(stream.received.length, 0);
    stream.close();
  }
  const good = new TestStream(hub.nodePort, stranger.key, stranger.chain, root);
  good.hello(machine);
  t.equal((await good.next("refusal")).code, "WINDOW_CLOSED", "a stranger is heard");
  good.close();
});

t.test("the operator listener takes operators alone", async (t) => {
  const refused: readonly [string, TestIdentity | null][] = [
    ["nobody", null],
    ["a stranger", stranger],
    ["a node", forgedNode],
    ["the hub itself", await makeIdentity(world.pki, "hub", "master")],
    ["another root's operator", await makeIdentity(foreign, "operator", "alice")],
    ["an operator whose time is over", old],
    ["an operator made by a node issuer", { key: machine.key, chain: [byNode, world.pki.issuers.node.certificate] }],
  ];
  for (const [name, identity] of refused) {
    const client = operatorClient(hub.operatorPort, identity, root);
    await t.rejects(unary(client, "listNodes", { states: [] }), { code: 14 }, name);
    client.close();
  }
  const client = operatorClient(hub.operatorPort, operator, root);
  t.equal((await unary(client, "listNodes", { states: [] })).nodes.length, 4);
  client.close();
});

t.test("what isn't TLS 1.3 with a certificate doesn't reach gRPC", async (t) => {
  const closed = (socket: { on(event: string, f: () => void): unknown; resume(): unknown }): Promise<string> =>
    new Promise((resolve) => {
      socket.on("error", () => resolve("closed"));
      socket.on("close", () => resolve("closed"));
      socket.resume();
      setTimeout(() => resolve("open"), 3000).unref();
    });
  const key = keyPem(stranger.key);
  const cert = chainPem(stranger.chain);
  const base = { host: "127.0.0.1", port: hub.nodePort, rejectUnauthorized: false };
  t.equal(await closed(tls.connect({ ...base, key, cert, ALPNProtocols: ["h2"], maxVersion: "TLSv1.2" })), "closed", "TLS 1.2");
  t.equal(await closed(tls.connect({ ...base, key, cert })), "closed", "no HTTP/2");
  t.equal(await closed(tls.connect({ ...base, ALPNProtocols: ["h2"] })), "closed", "no certificate");
  const garbage = connect(hub.nodePort, "127.0.0.1", () => garbage.write(randomBytes(4096)));
  t.equal(await closed(garbage), "closed", "garbage");
  const junk = tls.connect({ ...base, key, cert, ALPNProtocols: ["h2"] }, () => junk.write(randomBytes(4096)));
  t.equal(await closed(junk), "closed", "garbage inside of TLS");
});

t.test("a handshake that doesn't go on is cut off", async (t) => {
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const leaf = { key, chain: [await selfSigned(key)], spki: new Uint8Array() };
  const gate = await openGate({ server: new Server(), listen: { host: "127.0.0.1", port: 0 }, leaf, handshakeMs: 100, admit: () => 1, refused: () => undefined });
  t.teardown(() => gate.close());
  const idle = connect(gate.port, "127.0.0.1");
  idle.on("error", () => undefined).resume();
  await new Promise((resolve) => idle.once("close", resolve));
  t.pass();
});

t.test("half-open handshakes hold nobody up", async (t) => {
  const idle = Array.from({ length: 100 }, () => connect(hub.nodePort, "127.0.0.1"));
  for (const socket of idle) socket.on("error", () => undefined);
  t.teardown(() => idle.forEach((socket) => socket.destroy()));
  const stream = new TestStream(hub.nodePort, stranger.key, stranger.chain, root);
  stream.hello(machine);
  t.equal((await stream.next("refusal")).code, "WINDOW_CLOSED");
  stream.close();
});

t.test("a message over the limit ends that stream alone", async (t) => {
  const neighbour = new TestStream(hub.nodePort, stranger.key, [await selfSigned(stranger.key)], root);
  const stream = new TestStream(hub.nodePort, stranger.key, stranger.chain, root);
  stream.hello(machine, { ekPublic: randomBytes(600 * 1024) });
  await stream.end();
  t.match(stream.error, { code: 8 }, "RESOURCE_EXHAUSTED");
  stream.close();
  neighbour.hello(machine);
  t.equal((await neighbour.next("refusal")).code, "WINDOW_CLOSED");
  neighbour.close();
});

t.test("a peer that doesn't read loses its connection, not its messages", async (t) => {
  const server = new Server();
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const leaf = { key, chain: [await selfSigned(key)], spki: new Uint8Array() };
  const gate: Gate<number> = await openGate({ server, listen: { host: "127.0.0.1", port: 0 }, leaf, admit: () => 1, refused: () => undefined });
  t.teardown(() => gate.close());
  let backlog = 0;
  const attach: NodeServiceServer["attach"] = (call) => {
    call.on("error", () => undefined);
    const message = { body: { $case: "waiting" as const, value: { id: "", state: "", message: "x".repeat(2000) } } };
    for (; backlog <= 1024; backlog = call.writableLength) call.write(message);
    gate.drop(call.getPeer());
  };
  server.addService(NodeServiceService, { attach });
  const client = connectTls({ host: "127.0.0.1", port: gate.port, rejectUnauthorized: false, key: keyPem(stranger.key), cert: chainPem(stranger.chain), ALPNProtocols: ["h2"] });
  const session = connectHttp2("https://hub.demo", { createConnection: () => client });
  session.on("error", () => undefined);
  const stream = session.request({ ":method": "POST", ":path": "/kubedos.v1.NodeService/Attach", "content-type": "application/grpc", te: "trailers" });
  stream.on("error", () => undefined).pause();
  await new Promise((resolve) => session.once("close", resolve));
  t.equal(backlog, 1025, "messages, not bytes, are what is counted");
});
