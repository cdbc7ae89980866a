import { generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { AuditRow } from "../../proto/gen/kubedos/v1/admin.ts";
import { marshalPublic } from "../../proto/tpm/public.ts";
import { EK_TEMPLATES } from "../../proto/tpm/templates.ts";
import { operatorClient, signedStatement, unary } from "../../test/fakes/admin-client.ts";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { until } from "../../test/fakes/live-node.ts";
import { type Got, TestMachine, TestStream } from "../../test/fakes/test-agent.ts";
import { MAX_STRANGER_ROWS } from "../enroll/hello-audit.ts";
import { hostPorts } from "../host/host-ports.ts";
import type { HubOptions } from "../hub-options.ts";
import type { RunningHub } from "../serve.ts";

t.setTimeout(120_000);

const [stranger, pinned, named] = await Promise.all([TestMachine.boot(), TestMachine.boot(), TestMachine.boot()]);
t.teardown(() => Promise.all([stranger, pinned, named].map((machine) => machine.stop())));

/** A hub of its own, its operator, and streams to it. */
async function startHub(t: { teardown(f: () => void | Promise<void>): void }, options: Partial<HubOptions> = {}) {
  const world = await HubWorld.make();
  world.pin("w-1", pinned.ekName);
  const skew = { ms: 0 };
  const clock = { monotonicMs: () => hostPorts().clock.monotonicMs() + skew.ms, wallMs: () => Date.now() + skew.ms };
  const hub: RunningHub = await world.start({ clock }, options);
  const admin = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
  t.teardown(async () => {
    admin.close();
    await hub.close();
    world.remove();
  });
  const open = (machine: TestMachine): TestStream => {
    const stream = new TestStream(hub.nodePort, machine.key, [machine.certificate], world.image.rootCa);
    t.teardown(() => stream.close());
    return stream;
  };
  const turnedAway = async (): Promise<readonly AuditRow[]> =>
    (await unary(admin, "listAudit", { limit: 1000 })).rows.filter((row) => row.action === "turn-away");
  const refusedHello = async (machine: TestMachine, changes: Parameters<TestStream["hello"]>[1] = {}): Promise<Got<"refusal">> => {
    const stream = open(machine);
    stream.hello(machine, changes);
    const refusal = await stream.next("refusal");
    stream.close();
    return refusal;
  };
  return { world, hub, admin, skew, open, turnedAway, refusedHello };
}

/** EKs as anybody can make them: without a TPM. */
function madeUpEk(): Buffer {
  const { x = "", y = "" } = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));
  return Buffer.from(marshalPublic({ ...EK_TEMPLATES.ecc, type: "ecc", curve: "P-256", x: bytes(x), y: bytes(y) }));
}

t.test("a stream that says nothing, or gives no evidence, ends in its time; one that proved itself stays", async (t) => {
  const times = { helloMs: 1000, evidenceMs: 3000 };
  const { admin, open } = await startHub(t, { times });
  await unary(admin, "openWindow", { seconds: 600, max: 9 });
  const [silent, mute, good] = [open(stranger), open(stranger), open(pinned)];
  const started = performance.now();
  mute.hello(stranger);
  await good.attest(pinned);
  await good.next("waiting");
  t.match(await silent.next("refusal", 15_000), { code: "CHALLENGE_EXPIRED", id: "" }, "no hello");
  const afterHello = performance.now() - started;
  t.ok(afterHello > times.helloMs - 50, `not before its time: ${Math.round(afterHello)} ms`);
  await silent.end();
  t.equal(mute.ended, false, "the time for a hello isn't the time for evidence");
  await mute.next("challenge");
  t.match(await mute.next("refusal", 15_000), { code: "CHALLENGE_EXPIRED", id: /^[0-9a-f]{12}$/ }, "no evidence");
  const afterChallenge = performance.now() - started;
  t.ok(afterChallenge > times.evidenceMs - 50, `not before its time: ${Math.round(afterChallenge)} ms`);
  await mute.end();
  await sleep(times.helloMs);
  t.equal(good.ended, false, "the proven one is past both times, and waits");
});

t.test("a refused hello has its row: each EK and code once an hour", async (t) => {
  const { skew, turnedAway, refusedHello } = await startHub(t);
  const { id, code } = await refusedHello(stranger);
  t.equal(code, "WINDOW_CLOSED");
  await until("a row", async () => (await turnedAway()).length === 1);
  t.match((await turnedAway())[0], { actor: "hub", subject: id, code, detail: `127.0.0.1: no enrolment window is open, EK ${stranger.ekName}` });
  for (let i = 0; i < 3; i++) await refusedHello(stranger);
  t.equal((await turnedAway()).length, 1, "again within the hour");
  await refusedHello(pinned);
  t.equal((await turnedAway()).length, 2, "another EK");
  t.equal((await refusedHello(stranger, { cluster: "other" })).code, "PROTOCOL_ERROR");
  await refusedHello(stranger, { cluster: "other" });
  t.match((await turnedAway()).slice(2), [{ subject: "hello", code: "PROTOCOL_ERROR", detail: /^127\.0\.0\.1: / }], "without an EK by its source");
  skew.ms += 3_600_001;
  await refusedHello(stranger);
  t.match((await turnedAway()).slice(3), [{ subject: id, code }], "an hour later");
});

t.test("whoever invents EKs fills neither disk nor memory, and hides nobody the hub knows", async (t) => {
  const { admin, world, turnedAway, refusedHello } = await startHub(t);
  await unary(admin, "setEkPin", { statement: signedStatement(world.ekPin("w-2", named.ekName)) });
  for (let i = 0; i < MAX_STRANGER_ROWS + 20; i++) await refusedHello(stranger, { ekPublic: madeUpEk() });
  const rows = await turnedAway();
  t.equal(rows.length, MAX_STRANGER_ROWS + 1);
  t.match(rows.at(-1), { subject: "hello", detail: /64 strangers were turned away within an hour/ }, "that there were more is written once");
  await refusedHello(pinned);
  t.equal((await turnedAway()).length, MAX_STRANGER_ROWS + 2, "a stamped machine still has its row");
  t.notMatch((await turnedAway()).at(-1)?.detail, /EK/, "and needs no EK to be found by");
  await refusedHello(named);
  t.equal((await turnedAway()).length, MAX_STRANGER_ROWS + 3, "so has one that an operator pinned");
  t.notMatch((await turnedAway()).at(-1)?.detail, /EK/);
});

t.test("revoked and denied identities have their rows", async (t) => {
  const { admin, world, open, turnedAway, refusedHello } = await startHub(t);
  await unary(admin, "openWindow", { seconds: 600, max: 9 });
  const ids: string[] = [];
  for (const machine of [pinned, stranger]) {
    const stream = open(machine);
    await stream.attest(machine);
    ids.push((await stream.next("waiting")).id);
    stream.close();
  }
  const [known = "", denied = ""] = ids;
  await unary(admin, "approve", { id: known, approval: signedStatement(world.approval(pinned.ekName, "w-1")), acceptRisks: [] });
  await unary(admin, "revoke", { id: known, reason: "sold" });
  await unary(admin, "deny", { id: denied, reason: "whose is it" });
  for (let i = 0; i < 3; i++) {
    t.equal((await refusedHello(pinned)).code, "IDENTITY_REVOKED");
    t.equal((await refusedHello(stranger)).code, "IDENTITY_DENIED");
  }
  t.match(await turnedAway(), [{ subject: known, code: "IDENTITY_REVOKED" }, { subject: denied, code: "IDENTITY_DENIED" }]);
  t.equal((await turnedAway()).length, 2);
});

t.test("too many attempts are one row for their source", async (t) => {
  const { turnedAway, refusedHello } = await startHub(t, { buckets: { burst: 2, perSecond: 0.001 } });
  const codes: string[] = [];
  for (let i = 0; i < 8; i++) codes.push((await refusedHello(stranger, { ekPublic: madeUpEk() })).code);
  t.equal(codes.filter((code) => code === "RATE_LIMITED").length, 6);
  t.same((await turnedAway()).map((row) => [row.subject === "hello", row.code]), [[false, "WINDOW_CLOSED"], [false, "WINDOW_CLOSED"], [true, "RATE_LIMITED"]]);
});
