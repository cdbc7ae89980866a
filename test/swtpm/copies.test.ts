import t, { type Test } from "tap";
import type { RunningHub } from "../../hub/serve.ts";
import { operatorClient, signedStatement, unary } from "../fakes/admin-client.ts";
import { HubWorld } from "../fakes/hub-world.ts";
import { LiveNode, until } from "../fakes/live-node.ts";
import { TestMachine } from "../fakes/test-agent.ts";
import { setClock } from "./raw-commands.ts";
import { TpmState } from "./tpm-state.ts";

// Two copies of one virtual TPM, on real swtpm and a served hub (DESIGN §2.11).
t.setTimeout(180_000);
const HOUR = 3_600_000n;
const world = await HubWorld.make({ leaseMs: 60_000, renewMs: 10_000 });
world.slots = [...world.slots, ...[4, 5, 6].map((n) => ({ name: `w-${n}`, role: "worker", index: n + 1, ekName: null }))];
const master = await TestMachine.boot({ role: "master", hint: JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } }) });
world.pin("master", master.ekName);
const states = await Promise.all(Array.from({ length: 6 }, () => TpmState.make()));
const slotOf = (n: number): string => `w-${n + 1}`;
for (const [n, state] of states.entries()) world.pin(slotOf(n), state.ekName);
world.approvals = [world.approval(master.ekName, "master"), ...states.map((state, n) => world.approval(state.ekName, slotOf(n)))];
const hub: RunningHub = await world.start({}, { times: { answerMs: 5000, heartbeatMs: 200 } });
const admin = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
const m = new LiveNode(master, hub.nodePort, world.image.rootCa);
await m.admitted();
t.teardown(async () => {
  await m.close();
  admin.close();
  await hub.close();
  await master.stop();
  await Promise.all(states.map((s) => s.remove()));
  world.remove();
});

/** A TPM, and its copy, with the slot that it is stamped for. */
async function twoOf(t: Test, n: number): Promise<{ readonly slot: string; readonly original: TpmState; readonly copy: TpmState }> {
  const original = states[n];
  if (original === undefined) throw new Error(`there is no state ${n}`);
  const copy = await original.copy();
  t.teardown(() => copy.remove());
  return { slot: slotOf(n), original, copy };
}

function attach(t: Test, machine: TestMachine): LiveNode {
  const live = new LiveNode(machine, hub.nodePort, world.image.rootCa);
  t.teardown(() => live.close());
  return live;
}

async function on(t: Test, starting: Promise<TestMachine>): Promise<TestMachine> {
  const machine = await starting;
  t.teardown(() => machine.stop());
  return machine;
}

const node = (slot: string) => unary(admin, "getNode", { id: slot });
const audit = async (action: string, id: string) => (await unary(admin, "listAudit", { limit: 1000 })).rows.filter((r) => r.action === action && r.subject === id);

/** Both are out with this code: no stream, no peer, no address. */
async function areOut(t: Test, slot: string, code: string, lives: readonly LiveNode[]): Promise<string> {
  await until("both streams have ended", () => lives.every((live) => live.stream.ended));
  for (const live of lives) t.equal(live.last("refusal")?.code, code, "told why");
  const { id } = await node(slot);
  await until("its peers have dropped it", () => !m.peers.includes(id));
  t.match(await node(slot), { state: "quarantined", code, planes: {}, attached: false });
  return id;
}

t.test("both boot: one reset of the TPM, two boots", async (t) => {
  const { slot, original, copy } = await twoOf(t, 0);
  const a = await attach(t, await on(t, original.boot())).admitted();
  await until("it is a peer", () => m.peers.includes(a.id));
  const b = attach(t, await on(t, copy.boot()));
  await areOut(t, slot, "CLOCK_FORKED", [a, b]);
});

t.test("the copy was started once more: its evidence is good, and so is the original's answer", async (t) => {
  const { slot, original, copy } = await twoOf(t, 1);
  const a = await attach(t, await on(t, original.boot())).admitted();
  await (await copy.boot()).stop();
  const copied = await on(t, copy.boot());
  const b = attach(t, copied);
  const id = await areOut(t, slot, "CLONE_DETECTED", [a, b]);
  t.match(await audit("clone", id), [{ code: "CLONE_DETECTED" }]);
  t.equal(b.all("admission").length, 0, "the copy was never let in");

  const again = attach(t, copied);
  await until("it waits", () => again.last("waiting") !== undefined);
  t.match(await node(slot), { state: "quarantined", code: "CLONE_DETECTED" }, "alone it waits for an operator");
  const both = attach(t, a.machine);
  await until("the older reset is refused", () => both.stream.ended);
  t.match(await node(slot), { state: "quarantined", planes: {} });
  await t.rejects(unary(admin, "approve", { id, approval: signedStatement(world.approval(original.ekName, slot)), acceptRisks: [] }), { code: "NO_GOOD_EVIDENCE" });
});

t.test("the original comes only later, with fewer resets than its copy", async (t) => {
  const { slot, original, copy } = await twoOf(t, 2);
  await (await copy.boot()).stop();
  const b = await attach(t, await on(t, copy.boot())).admitted();
  const a = attach(t, await on(t, original.boot()));
  await areOut(t, slot, "CLOCK_WENT_BACK", [a, b]);
});

t.test("a copy of the running machine, after the original has gone on", async (t) => {
  const { slot, original, copy } = await twoOf(t, 3);
  const first = await on(t, original.boot());
  await setClock(first.tpm.swtpm.transport, HOUR);
  const a = await attach(t, first).admitted();
  await until("a renewal", () => (a.last("heartbeat")?.verdicts ?? 0) >= 2, 40_000);
  const b = attach(t, await on(t, copy.resume(first)));
  await areOut(t, slot, "CLOCK_WENT_BACK", [a, b]);
});

for (const [n, order] of [[4, "the original first"], [5, "the copy first"]] as const) {
  t.test(`a copy of the running machine whose clock is ahead: ${order}`, async (t) => {
    const { slot, original, copy } = await twoOf(t, n);
    const first = await on(t, original.boot());
    const second = await on(t, copy.resume(first));
    // Whoever comes second is the one whose clock is ahead: no order of clocks gives him away.
    const [early, late] = n === 4 ? [first, second] : [second, first];
    const a = await attach(t, early).admitted();
    await setClock(late.tpm.swtpm.transport, HOUR);
    const b = attach(t, late);
    const id = await areOut(t, slot, "CLONE_DETECTED", [a, b]);
    const [row] = await audit("clone", id);
    t.match(row?.detail, /answered with CLOCK_WENT_BACK/, "its clock is behind by then, which hides nothing");
  });
}

t.test("after all that the audit is whole, and the master was never touched", async (t) => {
  t.ok((await unary(admin, "listAudit", { limit: 1 })).intact);
  t.match(await node("master"), { state: "connected", attached: true });
});
