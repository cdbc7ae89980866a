import t from "tap";
import { operatorClient, signedStatement, socketClient, unary } from "../test/fakes/admin-client.ts";
import { HubWorld } from "../test/fakes/hub-world.ts";
import { TestMachine, TestStream } from "../test/fakes/test-agent.ts";

t.test("a machine is challenged, waits, is approved, gets its planes, and is revoked", async (t) => {
  const world = await HubWorld.make();
  const master = await TestMachine.boot({ role: "master", hint: JSON.stringify({ v: 1, slot: "master", hub: { host: "192.0.2.1", port: 7443 } }) });
  const worker = await TestMachine.boot({ hint: JSON.stringify({ v: 1, slot: "w-1" }) });
  t.teardown(async () => {
    await master.stop();
    await worker.stop();
    world.remove();
  });
  world.pin("master", master.ekName);
  world.pin("w-1", worker.ekName);
  world.approvals = [world.approval(master.ekName, "master")];
  const hub = await world.start();
  t.teardown(() => hub.close());
  const open = (m: TestMachine): TestStream => {
    const stream = new TestStream(hub.nodePort, m.key, [m.certificate], world.image.rootCa);
    t.teardown(() => stream.close());
    return stream;
  };
  const admin = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
  const socket = socketClient(hub.socketPath);
  t.teardown(() => (admin.close(), socket.close()));

  const m = open(master);
  await m.attest(master);
  const masterIn = await m.next("admission");
  t.equal(masterIn.name, "master", "approved before the hub existed, needs no window");
  const first = await m.next("planeUpdate");
  t.ok(first.full && first.set.length === 0, "full, and nobody else");
  m.ack(first);

  const early = open(worker);
  early.hello(worker);
  t.equal((await early.next("refusal")).code, "WINDOW_CLOSED");
  await early.end();

  await t.rejects(unary(socket, "openWindow", { seconds: 60, max: 2 }), { code: "READ_ONLY" });
  t.match(await unary(admin, "openWindow", { seconds: 60, max: 2 }), { open: true, remaining: 2, openedBy: "alice" });

  const w = open(worker);
  await w.attest(worker);
  const waiting = await w.next("waiting");
  t.equal(waiting.state, "pending");
  t.match(await unary(socket, "getNode", { id: waiting.id }), { name: "w-1", state: "pending", anchor: "pinned", attached: true });

  const approval = signedStatement(world.approval(worker.ekName, "w-1"));
  t.match(await unary(admin, "approve", { id: waiting.id, approval, acceptRisks: [] }), { state: "approved", planes: { wg1: "10.78.0.2/32" } });
  const admission = await w.next("admission");
  t.match(admission, { name: "w-1", index: 2 });
  t.equal(admission.certificateChain.length, 2);
  const peers = await w.next("planeUpdate");
  t.equal(peers.set.length, 1);
  t.match(peers.set[0], { name: "master", planes: [{ plane: "wg1", endpoint: "192.0.2.1:51818", address: "10.78.0.1/32" }] });
  w.ack(peers);
  const delta = await m.next("planeUpdate");
  t.match(delta, { full: false, remove: [] });
  t.match(delta.set[0], { name: "w-1", planes: [{ endpoint: "" }] });
  m.ack(delta);

  const revoking = unary(admin, "revoke", { id: "w-1", reason: "test" });
  const removal = await m.next("planeUpdate");
  t.same(removal.remove, [waiting.id]);
  m.ack(removal);
  t.match(await revoking, { acknowledged: ["master"], outstanding: [], node: { state: "banned" } });
  t.match(await w.next("refusal"), { code: "IDENTITY_REVOKED", retryAfterMs: 0 });
  const again = open(worker);
  again.hello(worker);
  t.equal((await again.next("refusal")).code, "IDENTITY_REVOKED");
  t.match(await unary(socket, "listAudit", { limit: 100 }), { intact: true });
  const { nodes } = await unary(socket, "listNodes", { states: [] });
  t.same(nodes.map((n) => [n.name, n.state]), [["master", "connected"], ["w-1", "banned"], ["w-2", "expected"], ["w-3", "expected"]]);
});
