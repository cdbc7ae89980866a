import t from "tap";
import { signedStatement, unary } from "../../test/fakes/admin-client.ts";
import { serveHubFor } from "../../test/fakes/served-hub.ts";
import { LiveNode, until } from "../../test/fakes/live-node.ts";
import { TestMachine } from "../../test/fakes/test-agent.ts";
import { judge } from "../attest/judge.ts";
import type { Judge } from "../ports.ts";

t.setTimeout(120_000);
/** Verdicts of the other thread wait until the test lets them go; what is judged in the hub's own thread is counted. */
let held: (() => void)[] = [];
let isHeld = false;
let asked = 0;
let here = 0;
const gated: Judge = Object.assign(
  (...[evidence, challenge, known]: Parameters<Judge>) => {
    here++;
    return judge(evidence, challenge, known);
  },
  {
    ahead: async (...[evidence, challenge, known]: Parameters<Judge>) => {
      asked++;
      const verdict = judge(evidence, challenge, known);
      if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
      return verdict;
    },
  },
);
const release = (): void => {
  isHeld = false;
  for (const go of held.splice(0)) go();
};

const [first, second] = await Promise.all([TestMachine.boot(), TestMachine.boot()]);
// Before the hub is closed: it waits for nobody's verdict then.
t.teardown(() => release());
const { world, hub, admin, open } = await serveHubFor(t, {
  pinned: { "w-1": first, "w-2": second },
  window: 10,
  ports: { judge: gated },
  options: { times: { evidenceMs: 3000, answerMs: 3000, renewMs: 6000, leaseMs: 60_000 } },
});
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const heldOne = (): Promise<void> => until("evidence is being judged", () => held.length > 0);

t.test("while one machine's evidence is judged, others are served, and it isn't called late", async (t) => {
  isHeld = true;
  const stream = open(first);
  await stream.attest(first);
  await heldOne();
  const other = open(second);
  other.hello(second);
  await other.next("challenge");
  t.pass("another stream has its challenge meanwhile");
  other.close();
  await sleep(3500);
  t.notOk(stream.ended, "longer than a node may be silent");
  release();
  const waiting = await stream.next("waiting");
  t.equal(waiting.state, "pending");
  t.equal(here, 0, "the verdict of the other thread was the one");
  await unary(admin, "approve", { id: waiting.id, approval: signedStatement(world.approval(first.ekName, "w-1")), acceptRisks: [] });
  await stream.next("admission");
  stream.close();
});

t.test("what stands behind the evidence is taken behind it", async (t) => {
  isHeld = true;
  const stream = open(second);
  stream.hello(second);
  const evidence = await stream.evidence(second, await stream.next("challenge"));
  stream.send({ $case: "evidence", value: evidence });
  stream.send({ $case: "planeAck", value: { epoch: 1n, serial: 1n } });
  await heldOne();
  await sleep(100);
  t.notOk(stream.ended, "not before");
  release();
  await stream.next("waiting");
  t.equal((await stream.next("refusal")).code, "PROTOCOL_ERROR", "an acknowledgement before the admission, in its turn");
});

t.test("a stream that ends while it is judged leaves nothing", async (t) => {
  const rows = async (): Promise<number> => (await unary(admin, "listAudit", { limit: 500 })).rows.length;
  isHeld = true;
  const stream = open(second);
  await stream.attest(second);
  await heldOne();
  const before = await rows();
  stream.close();
  await sleep(200);
  release();
  await sleep(200);
  t.equal(await rows(), before, "no verdict of a machine that has gone");
  const again = open(second);
  await again.attest(second);
  t.equal((await again.next("waiting")).state, "pending", "and it may come again");
  again.close();
});

t.test("a verdict that rests on what has changed meanwhile is made anew", async (t) => {
  isHeld = true;
  const stream = open(second);
  await stream.attest(second);
  await heldOne();
  const before = here;
  world.pin("w-2", null);
  await world.deliver();
  await until("the new pins count", async () => (await unary(admin, "getNode", { id: await idOf(second) })).anchor === "none");
  release();
  t.equal((await stream.next("waiting")).state, "unanchored", "by the pins of now");
  t.ok(here > before, "judged here");
  stream.close();
});

async function idOf(m: TestMachine): Promise<string> {
  const { nodes } = await unary(admin, "listNodes", { states: [] });
  return nodes.find((n) => n.ekName === m.ekName)?.id ?? "";
}

t.test("what doesn't bring the secret costs no other thread anything", async (t) => {
  const before = asked;
  const stream = open(second);
  stream.hello(second);
  await stream.answer(second, await stream.next("challenge"), { secret: new Uint8Array(32) });
  t.equal((await stream.next("refusal")).code, "SECRET_WRONG");
  t.equal(asked, before);
});

t.test("a renewal that is judged longer than it may take to answer isn't a time-out", async (t) => {
  const node = await new LiveNode(first, hub.nodePort, world.image.rootCa).admitted();
  t.teardown(() => node.close());
  isHeld = true;
  await heldOne();
  const count = node.all("heartbeat").length;
  await sleep(3500);
  t.same(node.all("refusal"), []);
  release();
  await until("it is renewed", () => (node.last("heartbeat")?.verdicts ?? 0) > 1 && node.all("heartbeat").length > count);
  t.same(node.all("refusal"), []);
});
