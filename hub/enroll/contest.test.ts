import t from "tap";
import { unary } from "../../test/fakes/admin-client.ts";
import { MASTER_HINT, serveHubFor } from "../../test/fakes/served-hub.ts";
import { until } from "../../test/fakes/live-node.ts";
import { TestMachine } from "../../test/fakes/test-agent.ts";

// What becomes of a second stream of one identity where there is one machine alone; two machines are in test/swtpm/copies.test.ts.
t.setTimeout(120_000);
const ANSWER = 2500;
const [master, worker, asking, stranger] = await Promise.all([TestMachine.boot({ role: "master", hint: MASTER_HINT }), TestMachine.boot(), TestMachine.boot(), TestMachine.boot()]);
const served = await serveHubFor(t, {
  pinned: { master, "w-1": worker, "w-2": asking },
  others: [stranger],
  approved: ["master", "w-1"],
  lease: { leaseMs: 60_000, renewMs: 30_000 },
  options: { times: { answerMs: ANSWER, heartbeatMs: 200 } },
});
const { admin, attach, open, node } = served;
const m = await attach(master).admitted();
const count = async (action: string) => (await served.audit(action)).length;
const removed = (id: string): boolean => m.all("planeUpdate").some((u) => u.remove.includes(id));

let a = await attach(worker).admitted();
const { id } = a;

t.test("an agent whose connection died takes its own place again, and no peer notices", async (t) => {
  a.answers = false;
  const b = attach(worker);
  await until("the old stream is asked", () => a.all("challenge").length === 2);
  t.equal(b.all("admission").length, 0, "nothing is given meanwhile");
  await b.admitted();
  t.equal(a.last("refusal")?.code, "SUPERSEDED");
  t.equal(await count("supersede"), 1);
  t.notOk(removed(id), "it was in the planes all the time");
  await until("a heartbeat", () => b.last("heartbeat") !== undefined);
  t.match(b.last("heartbeat"), { verdicts: 1 });
  a = b;
});

t.test("an old stream that ends makes room at once", async (t) => {
  a.answers = false;
  const b = attach(worker);
  await until("the old stream is asked", () => a.all("challenge").length === 2);
  const superseded = await count("supersede");
  await a.close();
  await b.admitted();
  t.equal(await count("supersede"), superseded, "without waiting for its time to pass");
  t.notOk(removed(id));
  a = b;
});

t.test("a stream that nobody gets past: the third one waits for both", async (t) => {
  a.answers = false;
  const b = attach(worker);
  await until("the old stream is asked", () => a.all("challenge").length === 2);
  b.answers = false;
  const c = attach(worker);
  await until("the second is asked", () => b.all("challenge").length === 2);
  await c.admitted();
  t.same([a, b].map((s) => s.last("refusal")?.code), ["SUPERSEDED", "SUPERSEDED"]);
  t.equal(b.all("admission").length, 0);
  t.notOk(removed(id));
  a = c;
});

t.test("the last words of an old stream that come late move nobody", async (t) => {
  const abandoned = open(worker);
  abandoned.hello(worker);
  const evidence = await abandoned.evidence(worker, await abandoned.next("challenge"));
  await a.close();
  a = await attach(worker).admitted();
  abandoned.send({ $case: "evidence", value: evidence });
  t.equal((await abandoned.next("refusal")).code, "SUPERSEDED", "its clock is behind, but it was asked before");
  t.match(await node("w-1"), { state: "connected", attached: true });
  t.equal(a.all("challenge").length, 1, "and nobody was put on trial for it");
});

t.test("an answer that was under way when the newer stream came is none to the question", async (t) => {
  // A hub of its own, which renews soon. The machine outlives it.
  const busy = await serveHubFor(t, {
    lease: { leaseMs: 30_000, renewMs: 6000 },
    options: { times: { answerMs: ANSWER } },
    arrange: (w) => {
      w.pin("w-1", worker.ekName);
      w.approvals = [w.approval(worker.ekName, "w-1")];
    },
  });
  const old = busy.open(worker);
  await old.attest(worker);
  await old.next("admission");
  await old.next("planeUpdate");
  const underWay = await old.evidence(worker, await old.next("challenge", 20_000));
  const b = busy.attach(worker);
  await old.next("challenge");
  old.send({ $case: "evidence", value: underWay });
  await b.admitted();
  t.equal((await old.next("refusal")).code, "SUPERSEDED");
  t.notOk(b.stream.ended);
});

t.test("who only knows the public EK puts nobody on trial", async (t) => {
  const thief = open(stranger);
  thief.hello(stranger, { ekPublic: Buffer.from(worker.tpm.ek.publicArea) });
  const challenge = await thief.next("challenge");
  await thief.answer(stranger, challenge, { secret: new Uint8Array(32) });
  t.equal((await thief.next("refusal")).code, "SECRET_WRONG");
  t.equal(a.all("challenge").length, 1);
  t.match(await node("w-1"), { state: "connected", attached: true });
});

t.test("a machine that waits: its silent stream is taken over, and an approval finds the newer one", async (t) => {
  await unary(admin, "openWindow", { seconds: 600, max: 10 });
  const first = attach(asking);
  await until("it waits", () => first.last("waiting") !== undefined);
  first.answers = false;
  const second = attach(asking);
  await until("the first is asked", () => first.all("challenge").length === 2);
  await until("the second waits", () => second.last("waiting") !== undefined);
  t.equal(first.last("refusal")?.code, "SUPERSEDED");
  t.match(await node("w-2"), { state: "pending", attached: true });
  await second.close();
});

t.test("two that answer are two, also where nobody was approved yet, and also when the newer one is gone by then", async (t) => {
  const [first, second] = [open(asking), open(asking)];
  await first.attest(asking);
  await first.next("waiting", 10_000);
  await second.attest(asking);
  const question = await first.next("challenge");
  second.close();
  await first.answer(asking, question);
  t.equal((await first.next("refusal")).code, "CLONE_DETECTED");
  t.match(await node("w-2"), { state: "quarantined", code: "CLONE_DETECTED", attached: false });
  t.equal(await count("clone"), 1);
});

t.test("the original is merely slow: the copy's place lasts until it comes back", async (t) => {
  a.answers = false;
  const copy = await attach(worker).admitted();
  t.equal(a.last("refusal")?.code, "SUPERSEDED");
  const original = attach(worker);
  await until("both are out", () => copy.stream.ended && original.stream.ended);
  t.same([copy, original].map((s) => s.last("refusal")?.code), ["CLONE_DETECTED", "CLONE_DETECTED"]);
  await until("peers have dropped it", () => removed(id));
});
