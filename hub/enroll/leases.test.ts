import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { AdminServiceClient } from "../../proto/gen/kubedos/v1/admin.ts";
import { signedStatement, unary, withOperator } from "../../test/fakes/admin-client.ts";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { LiveNode, until } from "../../test/fakes/live-node.ts";
import { resetSwtpm } from "../../test/swtpm/reset-swtpm.ts";
import { TestMachine } from "../../test/fakes/test-agent.ts";
import { firmwareDigest } from "../../proto/release/firmware.ts";
import { hostPorts } from "../host/host-ports.ts";
import type { RunningHub } from "../serve.ts";

/** Both clocks of the hub, pushed by the tests. */
const skew = { boot: 0, wall: 0 };
const clock = { monotonicMs: () => hostPorts().clock.monotonicMs() + skew.boot, wallMs: () => Date.now() + skew.wall };

// Long enough for a busy machine: an answer of ours goes through a TPM, and a new right needs one that is younger than a renewal.
const [LEASE, RENEW] = [9000, 1500];
/** A renewal begins within the last fifth of its interval (renewal.ts). */
const EARLIEST = RENEW * 0.8;
t.setTimeout(180_000);
const world = await HubWorld.make({ leaseMs: LEASE, renewMs: RENEW });
const hint = JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } });
const [master, w1, w2] = await Promise.all([TestMachine.boot({ role: "master", hint }), TestMachine.boot(), TestMachine.boot()]);
const slots: readonly [string, TestMachine][] = [["master", master], ["w-1", w1], ["w-2", w2]];
for (const [slot, m] of slots) world.pin(slot, m.ekName);
world.approvals = slots.map(([slot, m]) => world.approval(m.ekName, slot));
const times = { answerMs: 3000, heartbeatMs: 200 };
let hub: RunningHub = await world.start({ clock }, { times });
t.teardown(async () => {
  await hub.close();
  await Promise.all(slots.map(([, m]) => m.stop()));
  world.remove();
});

function attach(machine: TestMachine): LiveNode {
  const live = new LiveNode(machine, hub.nodePort, world.image.rootCa);
  t.teardown(() => live.close());
  return live;
}

/** On a busy machine a verdict may be too old by the time it is needed; an agent asks again, too. */
async function join(machine: TestMachine): Promise<LiveNode> {
  const live = await LiveNode.join(machine, hub.nodePort, world.image.rootCa);
  t.teardown(() => live.close());
  return live;
}

const admin = <T>(work: (client: AdminServiceClient) => Promise<T>): Promise<T> => withOperator(hub, world, work);
const node = (id: string) => admin((c) => unary(c, "getNode", { id }));
const audit = async (action: string) => (await admin((c) => unary(c, "listAudit", { limit: 1000 }))).rows.filter((r) => r.action === action);

const m = await join(master);
let a = await join(w1);

t.test("a verdict is renewed on the open stream, and each heartbeat says how long it counts", async (t) => {
  await until("three renewals", () => (a.last("heartbeat")?.verdicts ?? 0) >= 3);
  t.ok(!a.stream.ended && a.all("admission").length === 1, "in one stream, with one admission");
  const nonces = a.all("challenge").map((c) => c.nonce.toString("hex"));
  t.equal(new Set(nonces).size, nonces.length, "each with a nonce of its own");
  const beats = a.all("heartbeat");
  const renewed = beats.filter((b, i) => i > 0 && b.verdicts > (beats[i - 1]?.verdicts ?? 0));
  t.ok(renewed.every((b) => b.horizonMs > LEASE - EARLIEST && b.horizonMs <= LEASE), "a whole lease after each verdict, more than the one before could give");
  t.ok(beats.every((b, i) => b.verdicts !== beats[i - 1]?.verdicts || b.horizonMs <= (beats[i - 1]?.horizonMs ?? 0)), "and less from then on");
  t.same((await audit("renew")).length, 0, "a renewal like the one before is no news");
  t.match(await node("w-1"), { state: "connected", attached: true, code: "" });
});

t.test("other claims than the stream's first are refused, and nobody is quarantined for it", async (t) => {
  a.answers = false;
  const asked = a.all("challenge").length;
  await until("a challenge", () => a.all("challenge").length > asked);
  const challenge = a.last("challenge");
  const text = new TextDecoder().decode(w1.claims).replace(/"hint":null/, `"hint":"{}"`);
  if (challenge !== undefined) await a.stream.answer(w1, challenge, { claims: new TextEncoder().encode(text) });
  await until("a refusal", () => a.last("refusal") !== undefined);
  t.equal(a.last("refusal")?.code, "PROTOCOL_ERROR");
  t.match(await node("w-1"), { state: "connected", attached: false });
  a = await join(w1);
});

t.test("no answer is a time-out: no verdict, the peers stay until the lease ends, and it comes back by attesting", async (t) => {
  const id = a.id;
  a.answers = false;
  await until("a refusal", () => a.last("refusal") !== undefined);
  t.match(a.last("refusal"), { code: "LEASE_TIMEOUT", retryAfterMs: 1000 });
  t.match(await node(id), { state: "connected", attached: false, code: "LEASE_TIMEOUT" }, "not quarantined");
  t.match(await audit("renew"), [{ subject: id, code: "LEASE_TIMEOUT" }]);
  t.ok(m.peers.includes(id), "the peers keep it");
  await until("its removal", () => !m.peers.includes(id), 2 * LEASE);
  t.match(await node(id), { state: "approved", attached: false, code: "LEASE_ENDED" });
  t.match(await audit("lease-end"), [{ subject: id, code: "LEASE_ENDED" }]);
  a = await join(w1);
  t.match(await node(id), { state: "connected", code: "" }, "without a new approval");
  t.ok(m.peers.includes(id));
});

t.test("a time-out that is answered on a new stream leaves no trace but its rows", async (t) => {
  const id = a.id;
  a.answers = false;
  await until("a refusal", () => a.last("refusal") !== undefined);
  const heard = m.all("planeUpdate").length;
  a = await join(w1);
  t.match(await node(id), { state: "connected", attached: true, code: "" });
  t.match((await audit("renew")).at(-1), { subject: id, code: "", detail: "passed after LEASE_TIMEOUT" });
  t.equal(m.all("planeUpdate").length, heard, "the master heard nothing of it");
});

t.test("the wall clock may jump as it likes", async (t) => {
  for (const wall of [3_600_000, -3_600_000, 0]) {
    skew.wall = wall;
    const verdicts = a.last("heartbeat")?.verdicts ?? 0;
    await until("two renewals", () => (a.last("heartbeat")?.verdicts ?? 0) >= verdicts + 2);
    t.ok((a.last("heartbeat")?.horizonMs ?? 0) <= LEASE && m.peers.includes(a.id) && !a.stream.ended, `${wall}: nothing happened`);
  }
  const id = a.id;
  skew.wall = -3_600_000;
  await hub.close();
  await Promise.all([a.close(), m.close()]);
  hub = await world.start({ clock }, { times });
  t.match(await node(id), { state: "connected", attached: false }, "also over a restart of the hub");
  const again = await join(master);
  t.same(again.peers, [id], "the master finds its peer");
  a = await join(w1);
  t.equal(again.all("planeUpdate").length, 1, "which comes back unnoticed");
  skew.wall = 0;
  await again.close();
});

t.test("who passed too long ago gets nothing new before the next verdict", async (t) => {
  await admin((c) => unary(c, "openWindow", { seconds: 600, max: 10 }));
  const stranger = await TestMachine.boot();
  t.teardown(() => stranger.stop());
  world.slots = [...world.slots, { name: "w-4", role: "worker", index: 9, ekName: stranger.ekName }];
  world.serial++;
  await world.deliver();
  await until("the slot", async () => (await admin((c) => unary(c, "listNodes", { states: [] }))).nodes.some((n) => n.name === "w-4"));
  const s = attach(stranger);
  await until("waiting", () => s.last("waiting") !== undefined);
  await until("a renewal while it waits", () => s.all("challenge").length >= 2);
  s.answers = false;
  const asked = s.all("challenge").length;
  await until("a renewal that is due", () => s.all("challenge").length > asked);
  // Older than one renewal, and the answer is still out.
  await sleep(RENEW - EARLIEST + 100);
  const approval = signedStatement(world.approval(stranger.ekName, "w-4"));
  t.equal((await admin((c) => unary(c, "approve", { id: s.last("waiting")?.id ?? "", approval, acceptRisks: [] }))).state, "approved");
  await sleep(200);
  t.equal(s.all("admission").length, 0, "approved, and not admitted on the old verdict");
  const challenge = s.last("challenge");
  if (challenge !== undefined) await s.stream.answer(stranger, challenge);
  await s.admitted();
  t.pass("admitted by the new one");
  await s.close();
});

t.test("the hub's machine was suspended for longer than a lease", async (t) => {
  const id = a.id;
  // No evidence is under way: one that came with the clock's jump would be late by it.
  a.answers = false;
  const asked = a.all("challenge").length;
  await until("a challenge that stays open", () => a.all("challenge").length > asked);
  skew.boot += LEASE;
  await until("a refusal", () => a.last("refusal") !== undefined);
  t.equal(a.last("refusal")?.code, "LEASE_ENDED");
  t.match(await node(id), { state: "approved", code: "LEASE_ENDED" });
});

t.test("a renewal with another PCR: quarantined, gone from its peers, and out until an operator approves it anew", async (t) => {
  const again = await join(master);
  const b = await join(w2);
  const id = b.id;
  t.ok(again.peers.includes(id));
  await w2.tpm.client.extendPcr(12, new Uint8Array(32).fill(1));
  await until("a refusal", () => b.last("refusal") !== undefined);
  t.match(b.last("refusal"), { code: "LOG_MISMATCH", retryAfterMs: 60_000 });
  t.match(await node(id), { state: "quarantined", code: "LOG_MISMATCH", attached: false, planes: {} });
  await until("its removal", () => !again.peers.includes(id));
  t.match((await audit("reject")).at(-1), { subject: id, code: "LOG_MISMATCH" });
  const failed = attach(w2);
  await until("a refusal", () => failed.last("refusal") !== undefined);
  t.equal(failed.last("refusal")?.code, "LOG_MISMATCH", "failed stays failed");

  await resetSwtpm(w2.tpm.swtpm);
  await w2.tpm.boot();
  const good = attach(w2);
  await until("a verdict", () => good.last("waiting") !== undefined || good.last("refusal") !== undefined);
  t.match(good.last("waiting"), { id, state: "quarantined" }, "after a good boot it may wait, and no more");
  t.match(await node(id), { state: "quarantined", code: "LOG_MISMATCH", eligible: true, firmwareChange: "", planes: {} });
  t.notOk(again.peers.includes(id));
  const approve = (changes: Parameters<typeof world.approval>[2]) =>
    admin((c) => unary(c, "approve", { id, approval: signedStatement(world.approval(w2.ekName, "w-2", changes)), acceptRisks: [] }));
  const firmware = firmwareDigest((await node(id)).firmware);
  await t.rejects(approve({ notAfter: 4_000_000_000 }), { code: "APPROVAL_MISMATCH" }, "not by a statement that names no firmware");
  await t.rejects(approve({ firmware: "0".repeat(64) }), { code: "APPROVAL_MISMATCH" }, "nor by one for another");
  t.equal((await approve({ firmware })).state, "approved");
  await good.admitted();
  await until("its peers", () => again.peers.includes(id));
  t.match(await node(id), { state: "connected", code: "" });
});

t.test("after all that the audit is whole", async (t) => {
  t.ok((await admin((c) => unary(c, "listAudit", { limit: 1 }))).intact);
});
