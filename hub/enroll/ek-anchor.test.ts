import t from "tap";
import { unary } from "../../test/fakes/admin-client.ts";
import { bootLocalCaMachine, certify, provision } from "../../test/fakes/ek-machine.ts";
import { makeCa, type TestCa } from "../../test/fakes/ek-pki.ts";
import { pushedClock, serveHubFor } from "../../test/fakes/served-hub.ts";
import { until } from "../../test/fakes/live-node.ts";
import { type Got, TestMachine, TestStream } from "../../test/fakes/test-agent.ts";
import type { PinnedEkTrust } from "../../proto/release/pins.ts";
import { toBase64 } from "../../proto/wire/base64.ts";

t.setTimeout(120_000);

const { clock, skew } = pushedClock();

const root = makeCa("root");
const issuing = makeCa("issuing", root);
const held = makeCa("held", root);
const makers = (...roots: readonly (TestCa | Uint8Array)[]): PinnedEkTrust => ({
  roots: roots.map((r) => toBase64(r instanceof Uint8Array ? r : r.der)),
  intermediates: [toBase64(issuing.der)],
  quirks: [],
  revoked: [],
});

const local = await bootLocalCaMachine();
const [good, chained, foreign, swapped, old, pinned, plain] = await Promise.all(Array.from({ length: 7 }, () => TestMachine.boot()));
if (good === undefined || chained === undefined || foreign === undefined || swapped === undefined || old === undefined || pinned === undefined || plain === undefined) throw new Error("no machines");
await provision(good, certify(good, issuing));
await provision(chained, certify(chained, held), [held.der.subarray(0, 200), held.der.subarray(200)]);
await provision(foreign, certify(foreign, makeCa("stranger")));
await provision(swapped, certify(good, issuing));
await provision(old, certify(old, issuing, { notAfter: new Date("2025-01-01") }));
await provision(pinned, certify(pinned, makeCa("stranger")));
const { world, admin, open, node, approve } = await serveHubFor(t, {
  pinned: { "w-1": pinned },
  others: [good, chained, foreign, swapped, old, plain],
  window: 50,
  ports: { clock },
  arrange: (w) => (w.ekTrust = makers(root, local.root)),
});
t.teardown(() => local.stop());

/** Ends a stream, and waits until the hub knows: the machine's next one would else stand against it. */
async function leave(stream: TestStream, id: string): Promise<void> {
  stream.close();
  await until("the stream is gone", async () => !(await node(id)).attached);
}

/** What the hub says of a machine's evidence while it waits. */
async function attest(m: TestMachine): Promise<Got<"waiting">> {
  const stream = open(m);
  await stream.attest(m);
  const waiting = await stream.next("waiting");
  await leave(stream, waiting.id);
  return waiting;
}

t.test("P7 a certificate that leads to a configured root is an anchor", async (t) => {
  const cases: readonly (readonly [string, TestMachine])[] = [
    ["P-256, the intermediate from the pins", good],
    ["P-256, the intermediate from NV, in two parts", chained],
  ];
  for (const [what, machine] of cases) {
    const waiting = await attest(machine);
    t.equal(waiting.state, "pending", what);
    t.match(await node(waiting.id), { name: "", state: "pending", anchor: "certificate", ekCertificate: "GOOD", ekCertificateText: /^TPM swtpm id:20191023 by id:00001014, until 2034-01-01$/, code: "" }, what);
  }
  t.match(local.machine.ekCertificate.certificate.length, /\d{3,}/, "swtpm_setup made one");
  const stream = open(local.machine);
  stream.hello(local.machine, { ekIntermediates: [Buffer.from(local.intermediate)] });
  await stream.answer(local.machine, await stream.next("challenge"));
  const rsa = await stream.next("waiting");
  t.match(await node(rsa.id), { state: "pending", anchor: "certificate", ekCertificate: "GOOD" }, "RSA, by swtpm's own CA");
  await leave(stream, rsa.id);
  t.match(await node((await attest(local.machine)).id), { state: "unanchored", anchor: "none", ekCertificate: "EK_CERTIFICATE_UNTRUSTED" }, "and without its intermediate it leads nowhere");
});

t.test("P9 near misses: no anchor, and people see why", async (t) => {
  const cases: readonly (readonly [string, TestMachine, string])[] = [
    ["another maker's root", foreign, "EK_CERTIFICATE_UNTRUSTED"],
    ["expired", old, "EK_CERTIFICATE_EXPIRED"],
    ["none", plain, ""],
  ];
  for (const [what, machine, code] of cases) {
    const waiting = await attest(machine);
    t.equal(waiting.state, "unanchored", what);
    const seen = await node(waiting.id);
    t.match(seen, { state: "unanchored", anchor: "none", ekCertificate: code }, what);
    t.equal(seen.ekCertificateText === "", code === "", what);
    const { findings, anchorFindings } = await unary(admin, "explain", { id: waiting.id });
    t.match({ findings, anchorFindings }, { findings: [], anchorFindings: code === "" ? [] : [{ code, field: "ek.certificate", expected: /./, found: /./ }] }, what);
    await t.rejects(approve(waiting.id, machine.ekName, "w-3"), { code: "UNANCHORED" }, what);
  }
  const stamped = await attest(pinned);
  t.equal(stamped.state, "pending");
  t.match(await node(stamped.id), { name: "w-1", anchor: "pinned", ekCertificate: "EK_CERTIFICATE_UNTRUSTED" }, "a pin outranks it, and doesn't hide it");
});

t.test("P9 another machine's certificate is a refusal", async (t) => {
  const stream = open(swapped);
  await stream.attest(swapped);
  const refusal = await stream.next("refusal");
  t.equal(refusal.code, "EK_CERTIFICATE_KEY_WRONG");
  t.match(await node(refusal.id), { state: "rejected", code: "EK_CERTIFICATE_KEY_WRONG", anchor: "none" });
  const rightly = open(swapped);
  rightly.hello(swapped, { ekCertificate: Buffer.from(certify(swapped, issuing)) });
  await rightly.answer(swapped, await rightly.next("challenge"));
  const passed = await rightly.next("waiting");
  t.equal(passed.state, "pending", "with its own one it passes");
  await leave(rightly, passed.id);
});

t.test("what a stranger sends along costs no signature check, and too much of it no challenge", async (t) => {
  const stream = open(plain);
  stream.hello(plain, { ekCertificate: Buffer.from(certify(good, issuing)) });
  await stream.answer(plain, await stream.next("challenge"), { secret: new Uint8Array(32) });
  t.equal((await stream.next("refusal")).code, "SECRET_WRONG", "the certificate of another key wasn't looked at");
  const kept = await node((await attest(plain)).id);
  t.equal(kept.ekCertificate, "", "nor kept");
  const junk = open(plain);
  junk.hello(plain, { ekCertificate: Buffer.alloc(8 * 1024, 0x30) });
  await junk.answer(plain, await junk.next("challenge"));
  const waiting = await junk.next("waiting");
  t.equal(waiting.state, "unanchored");
  t.equal((await node(waiting.id)).ekCertificate, "EK_CERTIFICATE_MALFORMED", "noise is shown as noise");
  await leave(junk, waiting.id);
  for (const changes of [{ ekCertificate: Buffer.alloc(8 * 1024 + 1) }, { ekIntermediates: Array.from({ length: 17 }, () => Buffer.alloc(1)) }]) {
    const large = open(plain);
    large.hello(plain, changes);
    t.equal((await large.next("refusal")).code, "TOO_LARGE");
  }
});

t.test("it is approved without a risk, for a slot that nobody has", async (t) => {
  const stream = open(good);
  await stream.attest(good);
  const { id } = await stream.next("waiting");
  await t.rejects(approve(id, good.ekName, "w-1"), { code: "CONFLICT" }, "not for one that another EK is pinned to");
  t.match(await approve(id, good.ekName, "w-2", { notAfter: Math.floor(clock.wallMs() / 1000) + 60 }), { state: "approved", name: "w-2", anchor: "certificate" });
  t.equal((await stream.next("admission")).name, "w-2");
  await until("it is connected", async () => (await node("w-2")).state === "connected");
  await leave(stream, id);
  const again = open(good);
  await again.attest(good);
  t.equal((await again.next("admission")).name, "w-2", "and comes back by itself");
  await leave(again, id);
});

t.test("roots come and go with the delivery", async (t) => {
  world.ekTrust = null;
  world.serial++;
  await world.deliver();
  const { id } = await attest(chained);
  await until("the roots are gone", async () => (await node(id)).anchor === "none");
  t.match(await node(id), { ekCertificate: "EK_CERTIFICATE_UNTRUSTED" });
  t.equal((await attest(chained)).state, "unanchored");
  await until("who was approved by his certificate loses his place", async () => (await node("w-2")).state === "approved");
  const out = open(good);
  await out.attest(good);
  const waiting = await out.next("waiting");
  t.equal(waiting.state, "unanchored", "and waits for an operator");
  await leave(out, waiting.id);
  world.ekTrust = makers(root);
  world.serial++;
  await world.deliver();
  await until("the roots are back", async () => (await node(id)).anchor === "certificate");
  t.equal((await attest(chained)).state, "pending");
  const back = open(good);
  await back.attest(good);
  t.equal((await back.next("admission")).name, "w-2", "what was approved counts again");
});

t.test("a certificate counts until its end, by the highest date that the hub has seen", async (t) => {
  const { id } = await attest(chained);
  t.equal((await node(id)).anchor, "certificate");
  const before = skew.ms;
  skew.ms += new Date("2034-01-02").getTime() - Date.now();
  t.match(await node(id), { anchor: "none", ekCertificate: "EK_CERTIFICATE_EXPIRED" });
  skew.ms = before + 120_000;
  t.match(await node(id), { anchor: "none", ekCertificate: "EK_CERTIFICATE_EXPIRED" }, "a clock that is set back revives nothing");
});
