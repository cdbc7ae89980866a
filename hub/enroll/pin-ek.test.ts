import t from "tap";
import { operatorClient, signedStatement, socketClient, unary } from "../../test/fakes/admin-client.ts";
import { pushedClock, serveHubFor } from "../../test/fakes/served-hub.ts";
import type { SignedStatement } from "../../test/fakes/hub-world.ts";
import { until } from "../../test/fakes/live-node.ts";
import { makeIdentity, makePki } from "../../test/fakes/pki.ts";
import { TestMachine, TestStream } from "../../test/fakes/test-agent.ts";

t.setTimeout(120_000);
const { clock, skew } = pushedClock();
const [machine, other, stamped] = await Promise.all([TestMachine.boot(), TestMachine.boot(), TestMachine.boot()]);
const { world, hub, admin, open, node, audit, approve } = await serveHubFor(t, { pinned: { "w-1": stamped }, others: [machine, other], window: 50, ports: { clock } });
const bob = await makeIdentity(world.pki, "operator", "bob", new Date(Date.now() + 3600_000));
const bobs = operatorClient(hub.operatorPort, bob, world.image.rootCa);
const socket = socketClient(hub.socketPath);
t.teardown(() => [bobs, socket].forEach((client) => client.close()));

/** Each statement is younger than the one before, as with a person behind it. */
let issued = Date.now();
const set = (slot: string, ekName: string | null, changes = {}, client = admin, by = world.operator) =>
  unary(client, "setEkPin", { statement: signedStatement(world.ekPin(slot, ekName, { issuedAt: ++issued, ...changes }, by)) });
const pinOf = async (slot: string) => (await unary(socket, "listEkPins", {})).pins.find((p) => p.slot === slot);

/** Attests; the stream stays open. */
async function wait(m: TestMachine): Promise<{ readonly stream: TestStream; readonly id: string; readonly state: string }> {
  const stream = open(m);
  await stream.attest(m);
  const { id, state } = await stream.next("waiting");
  return { stream, id, state };
}

let id = "";
t.test("a machine that waits unanchored is pinned, judged anew, and approved without a risk", async (t) => {
  const waiting = await wait(machine);
  id = waiting.id;
  t.equal(waiting.state, "unanchored");
  t.match(await pinOf("w-2"), { role: "worker", ekName: "", source: "", operator: "", node: "" });
  t.match(await set("w-2", machine.ekName), { slot: "w-2", role: "worker", ekName: machine.ekName, source: "operator", operator: "alice", node: id });
  t.match(await waiting.stream.next("refusal"), { code: "ANCHOR_CHANGED", retryAfterMs: 500 }, "its verdict didn't know the slot");
  const again = await wait(machine);
  t.equal(again.state, "pending");
  t.match(await node(id), { name: "w-2", state: "pending", anchor: "pinned" });
  t.equal((await node("w-2")).id, id, "it bears the slot's name");
  await t.rejects(approve(id, machine.ekName, "w-3"), { code: "SLOT_MISMATCH" }, "and has this slot alone");
  t.match(await approve(id, machine.ekName, "w-2"), { state: "approved" });
  t.equal((await again.stream.next("admission")).name, "w-2");
  await until("it is connected", async () => (await node(id)).state === "connected");
  t.match(await audit("ek-pin"), [{ actor: "operator:alice", subject: "w-2", code: "", detail: `${machine.ekName} (worker)` }]);
});

t.test("near misses, each with its code and its row", async (t) => {
  const foreign = await makeIdentity(await makePki("demo"), "operator", "alice");
  const node1 = await makeIdentity(world.pki, "node", "w-1");
  const before = (await audit("ek-pin-refused")).length;
  const cases: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ["no such slot", "SLOT_UNKNOWN", () => set("w-9", other.ekName)],
    ["another role", "SLOT_MISMATCH", () => set("w-3", other.ekName, { role: "master" })],
    ["a slot that the build host pinned", "CONFLICT", () => set("w-1", other.ekName)],
    ["an EK that the build host pinned", "CONFLICT", () => set("w-3", stamped.ekName)],
    ["an EK that an operator pinned", "CONFLICT", () => set("w-3", machine.ekName)],
    ["a slot that another machine holds", "CONFLICT", () => set("w-2", other.ekName)],
    ["another cluster", "EK_PIN_INVALID", () => set("w-3", other.ekName, { cluster: "other" })],
    ["from the future", "EK_PIN_INVALID", () => set("w-3", other.ekName, { issuedAt: Date.now() + 6 * 60_000 })],
    ["another operator's statement", "EK_PIN_INVALID", () => set("w-3", other.ekName, {}, admin, bob)],
    ["another root's operator", "EK_PIN_INVALID", () => set("w-3", other.ekName, {}, admin, foreign)],
    ["a node's own", "EK_PIN_INVALID", () => set("w-3", other.ekName, {}, admin, node1)],
    ["an approval passed off as a pin", "EK_PIN_INVALID", () => unary(admin, "setEkPin", { statement: signedStatement(world.approval(other.ekName, "w-3")) })],
  ];
  for (const [what, code, call] of cases) await t.rejects(call(), { code }, what);
  t.equal((await audit("ek-pin-refused")).length, before + cases.length, "each left its row");
  await t.rejects(unary(admin, "setEkPin", { statement: undefined }), { code: "BAD_REQUEST" });
  await t.rejects(set("w-2", null), { code: "CONFLICT" }, "what a machine holds isn't taken from under it");
  t.equal((await audit("ek-unpin-refused")).length, 1);
  await t.rejects(set("w-3", other.ekName, {}, socket), { code: "READ_ONLY" });
  const signed: SignedStatement = world.ekPin("w-3", other.ekName);
  const bent = { ...signed, envelope: signed.envelope.with(60, (signed.envelope[60] ?? 0) ^ 1) };
  await t.rejects(unary(admin, "setEkPin", { statement: signedStatement(bent) }), { code: "EK_PIN_INVALID" }, "one bit");
  t.match(await pinOf("w-3"), { ekName: "", operator: "" }, "and none of it counts");
});

t.test("the newest statement about a slot counts, also one that takes the pin away", async (t) => {
  const waiting = await wait(other);
  t.equal(waiting.state, "unanchored");
  await set("w-3", stamped.ekName.replace(/.{8}$/, "00000000"));
  t.equal((await node(waiting.id)).anchor, "none", "another EK's pin is none of its own");
  const old = world.ekPin("w-3", other.ekName, { issuedAt: issued - 1 });
  await t.rejects(unary(admin, "setEkPin", { statement: signedStatement(old) }), { code: "ALREADY_DECIDED" }, "signed before");
  await t.rejects(set("w-3", other.ekName, { issuedAt: issued - 1 }, bobs, bob), { code: "ALREADY_DECIDED" }, "also by somebody else");
  t.match(await set("w-3", other.ekName), { source: "operator" });
  await waiting.stream.next("refusal");
  const pinned = await wait(other);
  t.equal(pinned.state, "pending");
  t.match(await set("w-3", null), { ekName: "", source: "", operator: "alice" });
  t.equal((await pinned.stream.next("refusal")).code, "ANCHOR_CHANGED");
  t.match(await node(pinned.id), { name: "", anchor: "none" });
  const last = await wait(other);
  t.equal(last.state, "unanchored");
  await t.rejects(approve(pinned.id, other.ekName, "w-3"), { code: "UNANCHORED" });
  t.match((await audit("ek-unpin")).at(-1), { subject: "w-3", detail: `${other.ekName} (worker)` }, "the row says whose it was");
});

t.test("what the build host pins outranks an operator", async (t) => {
  await set("w-3", other.ekName);
  t.match(await node("w-3"), { anchor: "pinned" });
  world.pin("master", other.ekName);
  await world.deliver();
  await until("the delivery counts", async () => (await pinOf("master"))?.source === "delivery");
  t.match(await pinOf("w-3"), { ekName: "", source: "" }, "one EK, one slot");
  t.match(await node("master"), { anchor: "pinned", ekName: other.ekName });
  world.pin("master", null);
  await world.deliver();
  await until("and goes", async () => (await pinOf("w-3"))?.source === "operator");
});

t.test("a pin counts as long as its operator's certificate", async (t) => {
  await set("w-3", null);
  await set("w-3", other.ekName, {}, bobs, bob);
  t.match(await pinOf("w-3"), { source: "operator", operator: "bob" });
  skew.ms += 2 * 3600_000;
  t.match(await pinOf("w-3"), { ekName: "", source: "", operator: "" }, "bob is no operator any longer");
  issued = clock.wallMs();
  t.match(await set("w-3", other.ekName), { source: "operator", operator: "alice" }, "and has no last word either");
  t.ok((await unary(admin, "listAudit", { limit: 1 })).intact);
});
