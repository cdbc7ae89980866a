import t from "tap";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { TestMachine, TestStream } from "../../test/fakes/test-agent.ts";
import { TokenBuckets } from "./token-buckets.ts";

t.test("a source has its burst, then its rate, and no influence on others", async (t) => {
  let now = 0;
  const buckets = new TokenBuckets({ burst: 3, perSecond: 2 }, { monotonicMs: () => now, wallMs: () => 0 });
  const take = (n: number, source = "a"): boolean[] => Array.from({ length: n }, () => buckets.take(source));
  t.same(take(4), [true, true, true, false]);
  t.same(take(1, "b"), [true]);
  now += 500;
  t.same(take(2), [true, false]);
  now += 3_600_000;
  t.same(take(4), [true, true, true, false], "quiet hours save up no more than the burst");
});

t.test("a flood of sources is forgotten, not remembered without end", async (t) => {
  const buckets = new TokenBuckets({ burst: 1, perSecond: 0 }, { monotonicMs: () => 0, wallMs: () => 0 });
  t.ok(buckets.take("first"));
  t.notOk(buckets.take("first"));
  for (let i = 0; i < 4096; i++) buckets.take(`s${i}`);
  t.ok(buckets.take("first"));
});

t.test("over the wire", async (t) => {
  const world = await HubWorld.make();
  const machine = await TestMachine.boot();
  const hub = await world.start({}, { buckets: { burst: 1, perSecond: 0 } });
  t.teardown(async () => {
    await hub.close();
    await machine.stop();
    world.remove();
  });
  for (const code of ["WINDOW_CLOSED", "RATE_LIMITED"]) {
    const stream = new TestStream(hub.nodePort, machine.key, [machine.certificate], world.image.rootCa);
    stream.hello(machine);
    t.equal((await stream.next("refusal")).code, code);
    stream.close();
  }
});
