import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import t from "tap";
import { signedStatement, unary } from "../test/fakes/admin-client.ts";
import { certify, provision } from "../test/fakes/ek-machine.ts";
import { makeCa } from "../test/fakes/ek-pki.ts";
import { HUB_PROCESS, HubChild } from "../test/fakes/hub-child.ts";
import { HubWorld, type SignedStatement } from "../test/fakes/hub-world.ts";
import { makeIdentity } from "../test/fakes/pki.ts";
import { TestMachine } from "../test/fakes/test-agent.ts";
import { toBase64 } from "../proto/wire/base64.ts";

t.setTimeout(120_000);

t.test("a database that was edited by hand anchors nobody", async (t) => {
  const world = await HubWorld.make();
  const root = makeCa("root");
  const [lookalike, certified] = await Promise.all([TestMachine.boot(), TestMachine.boot()]);
  await provision(certified, certify(certified, root));
  world.ekTrust = { roots: [toBase64(root.der)], intermediates: [], quirks: [], revoked: [] };
  const hub = new HubChild(world, [process.execPath, HUB_PROCESS]);
  t.teardown(async () => {
    await hub.kill();
    await Promise.all([lookalike.stop(), certified.stop()]);
    world.remove();
  });
  await hub.start();
  await hub.admin((c) => unary(c, "openWindow", { seconds: 600, max: 5 }));
  const attest = async (m: TestMachine) => {
    const stream = hub.open(m);
    await stream.attest(m);
    const waiting = await stream.next("waiting");
    stream.close();
    return waiting;
  };
  const { id } = await attest(lookalike);
  const good = await attest(certified);
  t.equal(good.state, "pending");
  const node = () => hub.admin((c) => unary(c, "getNode", { id }));
  const approve = () => hub.admin((c) => unary(c, "approve", { id, approval: signedStatement(world.approval(lookalike.ekName, "w-2")), acceptRisks: [] }));
  // Under the running hub: what counts is asked of the database each time.
  const edited = (edit: (db: DatabaseSync) => void): void => {
    const db = new DatabaseSync(join(world.dir, "hub.db"));
    edit(db);
    db.close();
  };
  const insertPin = (db: DatabaseSync, slot: string, ekName: string, { envelope, chain }: SignedStatement): void => {
    const certificates = JSON.stringify(chain.map((der) => Buffer.from(der).toString("base64")));
    db.prepare("INSERT OR REPLACE INTO ek_pins (slot, ek_name, envelope, chain, at_ms) VALUES (?, ?, ?, ?, 1)").run(slot, ekName, envelope, certificates);
  };
  const node1 = await makeIdentity(world.pki, "node", "w-1");
  const elsewhere = `000b${"ab".repeat(32)}`;
  const forged: readonly (readonly [string, (db: DatabaseSync) => void])[] = [
    ["a node's signature", (db) => insertPin(db, "w-2", lookalike.ekName, world.ekPin("w-2", lookalike.ekName, {}, node1))],
    ["a real statement about another EK", (db) => insertPin(db, "w-2", lookalike.ekName, world.ekPin("w-2", elsewhere))],
    ["a real statement about another slot", (db) => insertPin(db, "w-2", lookalike.ekName, world.ekPin("w-3", lookalike.ekName))],
    ["a real statement about two slots", (db) => ["w-2", "w-3"].forEach((slot) => insertPin(db, slot, lookalike.ekName, world.ekPin(slot, lookalike.ekName)))],
    ["an approval", (db) => insertPin(db, "w-2", lookalike.ekName, world.approval(lookalike.ekName, "w-2"))],
    ["a state that says so", (db) => db.prepare("UPDATE identities SET kind = 'pending', state = json_set(state, '$.t', 'pending', '$.facts.anchor', 'certificate') WHERE id = ?").run(id)],
    ["another machine's certificate", (db) => db.prepare("INSERT OR REPLACE INTO ek_certificates SELECT ?, certificate, intermediates FROM ek_certificates WHERE identity = ?").run(id, good.id)],
    ["and its key", (db) => db.prepare("UPDATE identities SET ek_public = (SELECT ek_public FROM identities WHERE id = ?) WHERE id = ?").run(good.id, id)],
  ];
  for (const [what, edit] of forged) {
    edited((db) => {
      db.exec("DELETE FROM ek_pins");
      edit(db);
    });
    t.equal((await node()).anchor, "none", what);
    await t.rejects(approve(), { code: "UNANCHORED" }, what);
  }
  await hub.kill();
  await hub.start();
  t.equal((await node()).anchor, "none", "nor after a restart");
  t.equal((await attest(lookalike)).state, "unanchored");
  edited((db) => insertPin(db, "w-2", lookalike.ekName, world.ekPin("w-2", lookalike.ekName)));
  t.equal((await node()).anchor, "pinned", "the one that an operator signed, in its place, counts");
});
