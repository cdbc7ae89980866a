import { randomBytes } from "node:crypto";
import t from "tap";
import { signedStatement, unary } from "../../test/fakes/admin-client.ts";
import { userspaceLogOf } from "../../test/fakes/evidence-case.ts";
import { pushedClock, serveHubFor } from "../../test/fakes/served-hub.ts";
import { makeIdentity } from "../../test/fakes/pki.ts";
import { TestMachine, TestStream } from "../../test/fakes/test-agent.ts";

t.setTimeout(120_000);

const { clock, skew } = pushedClock();
const [worker, altered, lookalike, other] = await Promise.all([
  TestMachine.boot({ hint: JSON.stringify({ v: 1, slot: "w-1" }) }),
  TestMachine.boot({}, ["enter-initrd", "leave-initrd", "kubedos-agent", "kubedos-evil"]),
  TestMachine.boot({ hint: JSON.stringify({ v: 1, slot: "w-1" }) }),
  TestMachine.boot(),
]);
const { world, admin, open, audit, approve, node } = await serveHubFor(t, { pinned: { "w-1": worker, "w-2": altered }, others: [lookalike, other], ports: { clock }, options: { times: { answerMs: 800 } } });
const openWindow = (seconds: number, max: number) => unary(admin, "openWindow", { seconds, max });
const stateOf = async (id: string) => (await node(id)).state;

t.test("a hello that says nothing true costs no TPM work", async (t) => {
  const cases: readonly [string, string, Parameters<TestStream["hello"]>[1]][] = [
    ["another protocol", "PROTOCOL_ERROR", { protocol: 2 }],
    ["another cluster", "PROTOCOL_ERROR", { cluster: "other" }],
    ["an EK of 2 KiB", "TOO_LARGE", { ekPublic: randomBytes(2048) }],
    ["a boot id without end", "TOO_LARGE", { bootId: "b".repeat(1000) }],
    ["a garbage EK", "BAD_REQUEST", { ekPublic: randomBytes(100) }],
    ["a garbage AK", "BAD_REQUEST", { akPublic: randomBytes(100) }],
    ["no keys", "BAD_REQUEST", { ekPublic: Buffer.alloc(0), akPublic: Buffer.alloc(0) }],
    ["a stranger while the window is closed", "WINDOW_CLOSED", {}],
  ];
  for (const [name, code, changes] of cases) {
    const stream = open(other);
    stream.hello(other, changes);
    t.equal((await stream.next("refusal")).code, code, name);
    await stream.end();
  }
  await openWindow(600, 10);
  const stream = open(other);
  stream.hello(other, { ekPublic: Buffer.from(other.tpm.ak.publicArea) });
  t.equal((await stream.next("refusal")).code, "BAD_REQUEST", "a signing key as EK");
});

t.test("messages out of order end the stream", async (t) => {
  const evidence = { secret: Buffer.alloc(32), quote: Buffer.alloc(0), signature: Buffer.alloc(0), claims: Buffer.alloc(0), firmwareLog: Buffer.alloc(0), userspaceLog: Buffer.alloc(0) };
  const early = open(other);
  early.send({ $case: "evidence", value: evidence });
  t.equal((await early.next("refusal")).code, "PROTOCOL_ERROR", "evidence before hello");
  const twice = open(other);
  twice.hello(other);
  await twice.next("challenge");
  twice.hello(other);
  t.equal((await twice.next("refusal")).code, "PROTOCOL_ERROR", "a second hello");
  const ack = open(other);
  ack.hello(other);
  await ack.next("challenge");
  ack.send({ $case: "planeAck", value: { epoch: 1n, serial: 1n } });
  t.equal((await ack.next("refusal")).code, "PROTOCOL_ERROR", "an acknowledgement of nothing");
});

t.test("garbage evidence is refused with a code, and who sent it is nobody", async (t) => {
  const stream = open(other);
  stream.hello(other);
  await stream.next("challenge");
  const junk = () => randomBytes(200);
  stream.send({ $case: "evidence", value: { secret: randomBytes(32), quote: junk(), signature: junk(), claims: junk(), firmwareLog: junk(), userspaceLog: junk() } });
  const refusal = await stream.next("refusal");
  t.equal(refusal.code, "SECRET_WRONG");
  t.equal(await stateOf(refusal.id), "rejected");
  const { findings } = await unary(admin, "explain", { id: refusal.id });
  t.match(findings, [{ code: "SECRET_WRONG", pcr: undefined, field: "secret", found: "another value, of 32 bytes" }], "of a stranger no bytes are kept, but why he was refused");
  await t.rejects(unary(admin, "getEvidence", { id: refusal.id }), { code: "NOT_FOUND" });
  t.match(await unary(admin, "getWindow", {}), { remaining: 10 }, "no place of the window was taken");
});

t.test("an altered machine is rejected, and explain says where it differs", async (t) => {
  const stream = open(altered);
  stream.hello(altered);
  await stream.answer(altered, await stream.next("challenge"), { userspaceLog: userspaceLogOf(["enter-initrd", "leave-initrd", "kubedos-agent", "kubedos-evil"]) });
  const refusal = await stream.next("refusal");
  t.equal(refusal.code, "PHASE_WRONG");
  const explained = await unary(admin, "explain", { id: refusal.id.slice(0, 6) });
  t.match(explained, { node: { state: "rejected", name: "w-2", code: "PHASE_WRONG" } });
  t.ok(explained.findings.some((f) => f.pcr === 11 && f.cause !== ""), "with the PCR and its cause");
  await t.rejects(approve(refusal.id, altered.ekName, "w-2"), { code: "ALREADY_DECIDED" });
  t.equal((await unary(admin, "getEvidence", { id: refusal.id })).cluster, "demo");
});

let workerId = "";
/** The stream in which the worker was approved; it stays open and answers nothing any more. */
let approved: TestStream | null = null;
t.test("a spent or late challenge is worth nothing", async (t) => {
  const stream = open(worker);
  stream.hello(worker);
  const challenge = await stream.next("challenge");
  skew.ms += 60_001;
  await stream.answer(worker, challenge);
  t.equal((await stream.next("refusal")).code, "NONCE_EXPIRED");
  const replay = open(worker);
  replay.hello(worker);
  await replay.next("challenge");
  await replay.answer(worker, challenge);
  t.equal((await replay.next("refusal")).code, "SECRET_WRONG", "the answer to another challenge");
});

t.test("the lookalike stands there as unanchored, whatever slot it claims", async (t) => {
  const stream = open(lookalike);
  await stream.attest(lookalike);
  const waiting = await stream.next("waiting");
  t.equal(waiting.state, "unanchored");
  t.match(await unary(admin, "getNode", { id: waiting.id }), { name: "", anchor: "none", claimedSlot: "w-1" });
  t.match(await audit("conflict"), [{ subject: waiting.id, code: "CONFLICT" }], "the claim is no secret");
  await t.rejects(approve(waiting.id, lookalike.ekName, "w-3"), { code: "UNANCHORED" });
  await t.rejects(approve(waiting.id, lookalike.ekName, "w-1", { acceptRisks: ["unanchored"] }), { code: "CONFLICT" });
  await t.rejects(approve(waiting.id, worker.ekName, "w-3", { acceptRisks: ["unanchored"] }), { code: "EK_MISMATCH" });
  t.equal((await audit("approve-refused")).length, 4, "each refusal has its row");
  await unary(admin, "deny", { id: waiting.id, reason: "not ours" });
  t.match(await stream.next("refusal"), { code: "IDENTITY_DENIED" });
  const again = open(lookalike);
  again.hello(lookalike);
  t.match(await again.next("refusal"), { code: "IDENTITY_DENIED" }, "sticky");
  skew.ms += 3_600_001;
  await openWindow(600, 10);
  const later = open(lookalike);
  await later.attest(lookalike);
  t.equal((await later.next("waiting")).state, "unanchored", "until its time is over");
});

t.test("approval", async (t) => {
  const stream = open(worker);
  approved = stream;
  await stream.attest(worker);
  workerId = (await stream.next("waiting")).id;
  const bob = await makeIdentity(world.pki, "operator", "bob");
  const approval = signedStatement(world.approval(worker.ekName, "w-1", {}, bob));
  await t.rejects(unary(admin, "approve", { id: workerId, approval, acceptRisks: [] }), { code: "APPROVAL_INVALID" }, "another operator's statement");
  await t.rejects(unary(admin, "approve", { id: workerId, approval: undefined, acceptRisks: [] }), { code: "BAD_REQUEST" });
  for (const id of ["zz", "", "%"]) await t.rejects(unary(admin, "getNode", { id }), { code: "NOT_FOUND" });
  t.equal((await approve("w-1", worker.ekName, "w-1", { notAfter: Math.floor(clock.wallMs() / 1000) + 60 })).state, "approved");
  t.equal((await stream.next("admission")).name, "w-1");
  await stream.next("planeUpdate");
  await t.rejects(approve(workerId, worker.ekName, "w-1"), { code: "ALREADY_DECIDED" });
});

t.test("who only knows the EK of a connected node can't hurt it", async (t) => {
  const thief = open(other);
  thief.hello(other, { ekPublic: Buffer.from(worker.tpm.ek.publicArea) });
  const challenge = await thief.next("challenge");
  await thief.answer(other, challenge, { secret: randomBytes(32) });
  t.equal((await thief.next("refusal")).code, "SECRET_WRONG");
  t.equal(await stateOf(workerId), "connected");
});

t.test("the newest stream that passes takes the place of an old one that is silent", async (t) => {
  const old = open(worker);
  await old.attest(worker);
  await approved?.next("challenge");
  await old.next("admission");
  await old.next("planeUpdate");
  // The statement's time ends new admissions; this machine is in already.
  skew.ms += 60_001;
  const young = open(worker);
  await young.attest(worker);
  await old.next("challenge");
  t.same(young.received.map((m) => m.$case), ["challenge"], "nothing is given while the old one may be alive");
  t.match(await unary(admin, "getNode", { id: workerId }), { state: "connected", attached: true });
  t.equal((await old.next("refusal")).code, "SUPERSEDED");
  t.equal((await young.next("admission")).name, "w-1", "without a new approval");
  t.equal((await audit("supersede")).length, 2);
});

t.test("another machine with a used key is a conflict", async (t) => {
  const { wireguard } = JSON.parse(new TextDecoder().decode(worker.claims)) as { wireguard: Record<string, string> };
  const copied = JSON.parse(new TextDecoder().decode(other.claims)) as Record<string, unknown>;
  const claims = new TextEncoder().encode(new TextDecoder().decode(other.claims).replace(JSON.stringify(copied["wireguard"]), JSON.stringify({ ...(copied["wireguard"] as object), wg2: wireguard["wg1"] })));
  const stream = open(other);
  stream.hello(other);
  await stream.answer(other, await stream.next("challenge"), { claims });
  t.equal((await stream.next("refusal")).code, "CONFLICT");
  t.ok((await audit("conflict")).some((r) => r.detail.includes(workerId)));
});

t.test("a connected node that fails is quarantined, and its approval is void", async (t) => {
  await worker.tpm.client.extendPcr(12, new Uint8Array(32).fill(1));
  const stream = open(worker);
  await stream.attest(worker);
  t.equal((await stream.next("refusal")).code, "LOG_MISMATCH");
  t.match(await unary(admin, "getNode", { id: workerId }), { state: "quarantined", planes: {}, attached: false });
  await t.rejects(approve(workerId, worker.ekName, "w-1"), { code: "NO_GOOD_EVIDENCE" });
});

t.test("a full window, an expired window", async (t) => {
  const late = await TestMachine.boot();
  const later = await TestMachine.boot();
  t.teardown(() => Promise.all([late.stop(), later.stop()]));
  await openWindow(60, 1);
  const first = open(late);
  await first.attest(late);
  await first.next("waiting");
  const second = open(later);
  second.hello(later);
  t.equal((await second.next("refusal")).code, "WINDOW_FULL");
  await openWindow(60, 1);
  const slow = open(later);
  slow.hello(later);
  const challenge = await slow.next("challenge");
  await unary(admin, "closeWindow", {});
  await slow.answer(later, challenge);
  t.equal((await slow.next("refusal")).code, "WINDOW_CLOSED", "closed while it answered");
  await openWindow(60, 1);
  skew.ms += 60_001;
  const third = open(later);
  third.hello(later);
  t.equal((await third.next("refusal")).code, "WINDOW_CLOSED");
  first.close();
  const known = open(late);
  await known.attest(late);
  t.equal((await known.next("waiting")).state, "unanchored", "who has proved himself needs no window");
  await t.rejects(openWindow(0, 1), { code: "BAD_REQUEST" });
  await t.rejects(openWindow(100_000, 1), { code: "BAD_REQUEST" });
});

t.test("after all that the audit is whole", async (t) => {
  t.ok((await unary(admin, "listAudit", { limit: 1 })).intact);
});
