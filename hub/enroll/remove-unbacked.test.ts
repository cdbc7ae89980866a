import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { unary } from "../../test/fakes/admin-client.ts";
import { MASTER_HINT, serveHubFor } from "../../test/fakes/served-hub.ts";
import { LiveNode, until } from "../../test/fakes/live-node.ts";
import { TestMachine } from "../../test/fakes/test-agent.ts";

t.setTimeout(120_000);
const machines = await Promise.all([TestMachine.boot({ role: "master", hint: MASTER_HINT }), TestMachine.boot(), TestMachine.boot(), TestMachine.boot()]);
const names = ["master", "w-1", "w-2", "w-3"];
const { world, hub, admin, node, audit } = await serveHubFor(t, {
  pinned: Object.fromEntries(machines.map((machine, i) => [names[i] ?? "", machine])),
  approved: names,
  lease: { leaseMs: 5000, renewMs: 1000 },
  options: { times: { answerMs: 2000, heartbeatMs: 200 } },
});

const attach = async (machine: TestMachine | undefined): Promise<LiveNode> => {
  if (machine === undefined) throw new Error("no such machine");
  const live = await LiveNode.join(machine, hub.nodePort, world.image.rootCa);
  t.teardown(() => live.close());
  return live;
};
const pins = world.slots;
/** A delivery in which these slots are pinned to nobody: their approvals don't hold any longer. */
async function unpin(...slots: readonly string[]): Promise<void> {
  world.slots = pins.map((s) => (slots.includes(s.name) ? { ...s, ekName: null } : s));
  world.serial++;
  await world.deliver();
}
/** Changes the hub's database behind its back. */
function edit(sql: string): void {
  const db = new DatabaseSync(join(world.dir, "hub.db"));
  db.exec(sql);
  db.close();
}

const nodes = await Promise.all(machines.map(attach));
const [master] = nodes;
if (master === undefined) throw new Error("no master");
await until("all of its peers", () => master.peers.length === 3);

t.test("a look-up that fails is an error, not a set of nobody", async (t) => {
  edit("ALTER TABLE approvals RENAME TO gone");
  await unpin();
  await sleep(500);
  edit("ALTER TABLE gone RENAME TO approvals");
  t.equal(master.peers.length, 3, "nobody was removed");
  t.same(await audit("remove"), []);
  t.same(await audit("removal-held"), []);
  for (const [i, live] of nodes.entries()) if (live.stream.ended) nodes[i] = await attach(machines[i]);
});

t.test("one whose certificate is just being made, in the place that it had, isn't taken for one without an approval", async (t) => {
  const set = (kind: string): void => edit(`UPDATE identities SET kind = '${kind}', state = json_set(state, '$.t', '${kind}') WHERE slot = 'w-1'`);
  set("approved");
  await unpin();
  await sleep(800);
  set("connected");
  t.same(await audit("remove"), []);
  t.equal(master.peers.length, 3);
});

t.test("most members at once: held, and said", async (t) => {
  await unpin(...names);
  await until("the breaker", async () => (await audit("removal-held")).length === 1);
  t.match((await audit("removal-held"))[0], { code: "MASS_REMOVAL_HELD", detail: /^4 of 4 members/ });
  t.match(await node(nodes[1]?.id ?? ""), { state: "connected", code: "MASS_REMOVAL_HELD" });
  t.equal(nodes[0]?.peers.length, 3, "nobody was removed");
  await unpin();
  await until("the release", async () => (await audit("removal-released")).length === 1);
  t.match(await node(nodes[1]?.id ?? ""), { state: "connected", code: "" });
});

t.test("one alone goes", async (t) => {
  await unpin("w-3");
  await until("one removal", () => nodes[0]?.peers.length === 2);
  t.match(await audit("remove"), [{ subject: nodes[3]?.id, code: "APPROVAL_INVALID" }]);
  await until("its stream's end", () => nodes[3]?.stream.ended === true);
  t.equal(nodes[3]?.last("refusal")?.code, "APPROVAL_INVALID");
  await unpin();
  await until("its pin", async () => (await node("w-3")).anchor === "pinned");
  nodes[3] = await attach(machines[3]);
});

t.test("an operator's own word is never held", async (t) => {
  edit("CREATE TABLE kept AS SELECT * FROM approvals; DELETE FROM approvals");
  await until("the breaker", async () => (await audit("removal-held")).length === 2, 5000);
  t.match(await unary(admin, "revoke", { id: nodes[2]?.id ?? "", reason: "test" }), { node: { state: "banned" } });
  await until("its removal", () => nodes[0]?.peers.includes(nodes[2]?.id ?? "") === false);
});

t.test("nor is expiry: what isn't renewed ends with its lease", async (t) => {
  const removed = (await audit("remove")).length;
  await until("the end of all", async () => (await audit("lease-end")).length === 3);
  await until("their streams' ends", () => nodes.every((n) => n.stream.ended));
  t.equal((await audit("remove")).length, removed, "held to the last, although three alone would have gone at once");
  edit("INSERT INTO approvals SELECT * FROM kept WHERE ek_name <> (SELECT ek_name FROM identities WHERE kind = 'banned')");
  const again = await attach(machines[1]);
  t.match(await node(again.id), { state: "connected", code: "" }, "and whoever has his approval back comes back");
});
