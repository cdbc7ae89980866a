import t from "tap";
import { MAX_MESSAGE_BYTES } from "../../proto/evidence/limits.ts";
import { operatorClient, unary } from "../../test/fakes/admin-client.ts";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { until } from "../../test/fakes/live-node.ts";
import { TestMachine, TestStream } from "../../test/fakes/test-agent.ts";

const world = await HubWorld.make();
const machine = await TestMachine.boot();
const hub = await world.start();
const admin = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
t.teardown(async () => {
  admin.close();
  await hub.close();
  await machine.stop();
  world.remove();
});
const open = (): TestStream => new TestStream(hub.nodePort, machine.key, [machine.certificate], world.image.rootCa);
const code = (stream: TestStream): string => String(stream.error?.metadata.get("kubedos-code")[0] ?? "");

t.test("a node's oversized message is refused with its code, before and after a greeting", async (t) => {
  await unary(admin, "openWindow", { seconds: 600, max: 4 });
  for (const greeted of [false, true]) {
    const stream = open();
    if (greeted) {
      stream.hello(machine);
      await stream.next("challenge");
    }
    const part = Buffer.alloc(MAX_MESSAGE_BYTES, 1);
    stream.send({ $case: "evidence", value: { secret: part, quote: part, signature: part, claims: part, firmwareLog: part, userspaceLog: part } });
    await stream.end(15_000);
    t.match(stream.error, { code: 8, details: /larger than the 524288 bytes that the protocol allows/ });
    t.equal(code(stream), "TOO_LARGE");
    stream.close();
  }
});

t.test("one that is just allowed reaches the hub", async (t) => {
  const stream = open();
  stream.hello(machine, { ekIntermediates: [Buffer.alloc(MAX_MESSAGE_BYTES - 2048, 1)] });
  const refusal = await stream.next("refusal");
  t.match(refusal, { code: "TOO_LARGE", message: /certificates are larger than any real ones/ }, "and is judged by the hub itself");
  await until("its end", () => stream.ended);
  stream.close();
});

t.test("an operator's oversized call, and one of the right size", async (t) => {
  const reason = "x".repeat(MAX_MESSAGE_BYTES + 1);
  await t.rejects(unary(admin, "deny", { id: "w-1", reason }), { code: "TOO_LARGE", message: /larger than the 524288 bytes/ });
  await t.rejects(unary(admin, "deny", { id: "w-1", reason: "x" }), { code: "NOT_FOUND" });
});
