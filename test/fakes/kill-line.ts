import type { Test } from "tap";
import { signedStatement, unary } from "./admin-client.ts";
import { HubChild } from "./hub-child.ts";
import { HubWorld } from "./hub-world.ts";
import { type Got, TestMachine, TestStream } from "./test-agent.ts";

/** From an open window to a revoked node: after each step the hub is killed with SIGKILL, and nothing is lost. */
export async function killLine(t: Test, command: readonly [string, ...string[]]): Promise<void> {
  const world = await HubWorld.make();
  const [master, worker] = await Promise.all([
    TestMachine.boot({ role: "master", hint: JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } }) }),
    TestMachine.boot(),
  ]);
  world.pin("master", master.ekName);
  world.pin("w-1", worker.ekName);
  world.approvals = [world.approval(master.ekName, "master")];
  const hub = new HubChild(world, command);
  t.teardown(async () => {
    await hub.kill();
    await Promise.all([master.stop(), worker.stop()]);
    world.remove();
  });
  const restart = async (): Promise<void> => {
    await hub.kill();
    await hub.start();
  };
  const stateOf = (id: string) => hub.admin((c) => unary(c, "getNode", { id }));

  await hub.start();
  await hub.admin((c) => unary(c, "openWindow", { seconds: 600, max: 5 }));
  await restart();
  t.match(await hub.admin((c) => unary(c, "getWindow", {})), { open: true, remaining: 5 }, "the window is still open");

  const challenged = hub.open(worker);
  challenged.hello(worker);
  const stale = await challenged.next("challenge");
  await restart();
  challenged.close();
  const replay = hub.open(worker);
  replay.hello(worker);
  await replay.next("challenge");
  await replay.answer(worker, stale);
  t.equal((await replay.next("refusal")).code, "SECRET_WRONG", "a challenge of before the kill is worth nothing");
  replay.close();

  const waiting = hub.open(worker);
  await waiting.attest(worker);
  const { id } = await waiting.next("waiting");
  await restart();
  waiting.close();
  t.match(await stateOf(id), { state: "pending", attached: false }, "still waits");

  const approval = signedStatement(world.approval(worker.ekName, "w-1"));
  await hub.admin((c) => unary(c, "approve", { id, approval, acceptRisks: [] }));
  await restart();
  t.match(await stateOf(id), { state: "approved" });
  const attach = async (m: TestMachine): Promise<{ stream: TestStream; update: Got<"planeUpdate"> }> => {
    const stream = hub.open(m);
    await stream.attest(m);
    await stream.next("admission");
    const update = await stream.next("planeUpdate");
    stream.ack(update);
    return { stream, update };
  };
  const m1 = await attach(master);
  const w1 = await attach(worker);
  t.match(w1.update.set, [{ name: "master" }], "comes in without a new approval");
  await restart();
  m1.stream.close();
  w1.stream.close();
  t.match(await stateOf(id), { state: "connected", attached: false });
  const m2 = await attach(master);
  t.match(m2.update.set, [{ name: "w-1" }], "the master keeps a peer that has not come back yet");
  t.ok(m2.update.epoch > m1.update.epoch, "in a new epoch");
  const w2 = await attach(worker);

  await t.rejects(hub.admin((c) => unary(c, "revoke", { id: "master", reason: "a slip" })), { code: "BAD_REQUEST" }, "the hub keeps its own node");
  const revoking = hub.admin((c) => unary(c, "revoke", { id, reason: "test" })).catch(() => undefined);
  t.equal((await w2.stream.next("refusal")).code, "IDENTITY_REVOKED");
  // Killed while the revocation waits for the master's word.
  await restart();
  await revoking;
  m2.stream.close();
  w2.stream.close();
  const m3 = await attach(master);
  t.same(m3.update.set, [], "gone for good");
  m3.stream.close();
  const again = hub.open(worker);
  again.hello(worker);
  t.equal((await again.next("refusal")).code, "IDENTITY_REVOKED");
  again.close();
  t.ok((await hub.admin((c) => unary(c, "listAudit", { limit: 1 }))).intact, "and the audit is whole");
}
