import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import t from "tap";
import { unary } from "../test/fakes/admin-client.ts";
import { HUB_PROCESS, HubChild } from "../test/fakes/hub-child.ts";
import { HubWorld } from "../test/fakes/hub-world.ts";
import { type Got, TestMachine } from "../test/fakes/test-agent.ts";

t.setTimeout(120_000);

t.test("a database that was edited by hand admits nobody", async (t) => {
  const world = await HubWorld.make();
  const [pinned, lookalike] = await Promise.all([TestMachine.boot(), TestMachine.boot()]);
  world.pin("w-1", pinned.ekName);
  const hub = new HubChild(world, [process.execPath, HUB_PROCESS]);
  t.teardown(async () => {
    await hub.kill();
    await Promise.all([pinned.stop(), lookalike.stop()]);
    world.remove();
  });
  await hub.start();
  await hub.admin((c) => unary(c, "openWindow", { seconds: 600, max: 5 }));
  const attest = async (m: TestMachine): Promise<Got<"waiting">> => {
    const stream = hub.open(m);
    await stream.attest(m);
    const waiting = await stream.next("waiting");
    stream.close();
    return waiting;
  };
  const { id } = await attest(pinned);
  const stranger = await attest(lookalike);
  await hub.kill();

  const db = new DatabaseSync(join(world.dir, "hub.db"));
  const edit = (who: string, slot: string): void => {
    db.prepare("UPDATE identities SET kind = 'connected', slot = ?, state = json_set(json_set(state, '$.t', 'connected'), '$.slot', ?) WHERE id = ?").run(slot, slot, who);
  };
  edit(id, "w-1");
  edit(stranger.id, "w-2");
  // A real statement of a real operator, moved under another machine's key.
  const real = world.approval(pinned.ekName, "w-1", { notAfter: 1 });
  const chain = JSON.stringify(real.chain.map((der) => Buffer.from(der).toString("base64")));
  for (const ek of [pinned.ekName, lookalike.ekName]) {
    db.prepare("INSERT INTO approvals (ek_name, generation, envelope, chain, at_ms, used_mac) VALUES (?, 1, ?, ?, 1, zeroblob(32))").run(ek, real.envelope, chain);
  }
  db.prepare("INSERT INTO leases VALUES (?, '{}', x'00')").run(stranger.id);
  db.close();

  await hub.start();
  t.match(await hub.admin((c) => unary(c, "getNode", { id: stranger.id })), { state: "approved", attached: false }, "the edit shows, and gave nothing");
  t.equal((await attest(pinned)).state, "pending", "an expired statement doesn't count");
  t.equal((await attest(lookalike)).state, "unanchored", "nor one for another machine");
});
