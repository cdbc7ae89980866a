import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import t from "tap";
import { Store } from "./store.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-store-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const options = { wallMs: () => 1000, storeKey: new Uint8Array(32).fill(1), bootKey: new Uint8Array(32).fill(1) };
const identity = (id: string, ek: string) => ({ id, ekName: ek, generation: 1, ekPublic: new Uint8Array(3) });

t.test("the file is the hub's own, and a newer schema is refused", async (t) => {
  const path = join(dir, "mode.db");
  new Store(path, options).close();
  t.equal(statSync(path).mode & 0o777, 0o600);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  db.close();
  t.throws(() => new Store(path, options), /schema 99/);
});

t.test("counters never fall, and the epoch grows with each start", async (t) => {
  const store = new Store(":memory:", options);
  t.teardown(() => store.close());
  store.meta.raise("pins_serial", 5);
  t.throws(() => store.meta.raise("pins_serial", 4), { code: "INTERNAL" });
  const first = store.meta.nextEpoch(1000);
  t.ok(store.meta.nextEpoch(1000) > first);
  t.ok(store.meta.nextEpoch(5) > first + 1, "also with a clock set back");
  t.equal(store.meta.nextEpoch(9_000_000), 9_000_000, "beyond whatever a restored copy remembers");
});

t.test("a slot and a key belong to one identity, also by the database's own word", async (t) => {
  const store = new Store(":memory:", options);
  t.teardown(() => store.close());
  const a = store.identities.add(identity("a1", "aa"), 1);
  store.identities.add(identity("b1", "bb"), 2);
  store.identities.setKeys(a.id, ["k1", "k2"]);
  t.equal(store.identities.ownerOfKey(["k9", "k2"], "b1"), "a1");
  t.equal(store.identities.ownerOfKey(["k2"], "a1"), null);
  t.throws(() => store.identities.setKeys("b1", ["k1"]), /UNIQUE/);
  t.same(store.identities.byPrefix("a").map((i) => i.id), ["a1"]);
  t.same(store.identities.byPrefix("%"), []);
});

t.test("strangers push out strangers, never somebody who proved himself", async (t) => {
  const store = new Store(":memory:", options);
  t.teardown(() => store.close());
  store.transaction(() => {
    store.identities.add(identity("proven", "p"), 0);
    store.identities.setProven("proven");
    for (let i = 0; i < 1100; i++) store.identities.add(identity(`s${i}`, `ek${i}`), i + 1);
  });
  t.equal(store.identities.all().length, 1025);
  t.ok(store.identities.byId("proven"));
  t.notOk(store.identities.byId("s0"));
});

t.test("a TPM's clock never falls, whatever becomes of its identity", async (t) => {
  const path = join(dir, "clock.db");
  const store = new Store(path, options);
  const clock = (value: bigint, resetCount: number, bootId = "b") => ({ clock: value, resetCount, restartCount: 0, bootId });
  let a = store.identities.apply(store.identities.add(identity("a1", "aa"), 1), { e: "challenge" }, 1);
  t.equal(a.lastClock, null);
  a = store.identities.raiseClock(a, clock(2n ** 63n, 4));
  for (const [older, what] of [[clock(5n, 4), "an older clock"], [clock(9n, 3), "an older reset"]] as const) {
    t.same(store.identities.raiseClock(a, older).lastClock, clock(2n ** 63n, 4), what);
  }
  store.identities.apply(a, { e: "failed", code: "PCR_MISMATCH", message: "m" }, 2);
  t.match(store.identities.byId("a1"), { state: { t: "rejected" }, lastClock: clock(2n ** 63n, 4) }, "rejected");
  store.identities.apply(a, { e: "failed", code: "CLOCK_FORKED", message: "m" }, 2);
  t.match(store.identities.byId("a1"), { state: { t: "quarantined" }, lastClock: clock(2n ** 63n, 4) }, "quarantined");
  store.close();
  const again = new Store(path, options);
  t.teardown(() => again.close());
  const evicted = again.identities.byId("a1");
  if (evicted !== null) again.identities.apply(evicted, { e: "evict", reason: "r" }, 3);
  const next = again.identities.add({ ...identity("a2", "aa"), generation: 2 }, 4);
  t.same(next.lastClock, clock(2n ** 63n, 4), "evicted: its next generation begins there");
  t.same(again.identities.byEk("aa"), next);
  t.equal(again.identities.add(identity("c1", "cc"), 5).lastClock, null, "another TPM doesn't");
});

t.test("a damaged row is an error, not a state", async (t) => {
  const path = join(dir, "damaged.db");
  const store = new Store(path, options);
  store.identities.add(identity("a1", "aa"), 1);
  store.identities.add(identity("b1", "bb"), 1);
  store.close();
  const db = new DatabaseSync(path);
  db.exec(`UPDATE identities SET state = '{"t":"connected"}' WHERE id = 'a1'`);
  db.close();
  const again = new Store(path, options);
  t.teardown(() => again.close());
  t.throws(() => again.identities.byId("a1"), { code: "BAD_VALUE" });
  t.same(again.identities.all().map((i) => i.id), ["b1"], "and hides nobody else");
});

t.test("leases of another boot, or written by hand, are not believed", async (t) => {
  const path = join(dir, "leases.db");
  const store = new Store(path, options);
  store.identities.add(identity("a1", "aa"), 1);
  store.identities.add(identity("b1", "bb"), 1);
  store.leases.put("a1", "{}");
  store.leases.put("b1", "{}");
  t.same(store.leases.load(), { valid: [{ identity: "a1", body: "{}" }, { identity: "b1", body: "{}" }], refused: [] });
  store.close();
  const db = new DatabaseSync(path);
  db.exec(`UPDATE leases SET body = '{"x":1}' WHERE identity = 'a1'`);
  db.close();
  const again = new Store(path, options);
  t.same(again.leases.load(), { valid: [{ identity: "b1", body: "{}" }], refused: ["a1"] });
  again.close();
  const reboot = new Store(path, { ...options, bootKey: new Uint8Array(32).fill(2) });
  t.teardown(() => reboot.close());
  t.same(reboot.leases.load(), { valid: [], refused: ["a1", "b1"] });
});
