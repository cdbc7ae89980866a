import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { Store } from "../db/store.ts";
import type { Slot } from "../trust/trust.ts";
import { findNode } from "./find-node.ts";
import type { HubContext } from "./hub-context.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-find-"));
const store = new Store(join(dir, "hub.db"), { wallMs: () => 1, storeKey: new Uint8Array(32), bootKey: new Uint8Array(32) });
t.teardown(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

const ek = (digit: string): string => `000b${digit.repeat(64)}`;
const ids = { a: "a1b2c3000001", near: "a1b2c3000002", far: "a1ffffffffff" };
store.transaction(() => {
  for (const [n, id] of Object.values(ids).entries()) store.identities.add({ id, ekName: ek(String(n)), generation: 1, ekPublic: new Uint8Array(1) }, n);
});
const pinned: Slot = { name: "w-1", role: "worker", index: 2, ekName: ek("2") };
const free: Slot = { name: "w-2", role: "worker", index: 3, ekName: null };
const slots = new Map([pinned, free].map((slot) => [slot.name, slot]));
const context = { store, trust: { slots } } as unknown as HubContext;

t.test("an id, a beginning that only one has, a slot's name", async (t) => {
  for (const wanted of [ids.a, "a1b2c3000001", "a1f", "w-1"]) t.ok(findNode(context, wanted), wanted);
  t.equal(findNode(context, ids.near).id, ids.near);
  t.equal(findNode(context, "a1f").id, ids.far);
  t.equal(findNode(context, "w-1").id, ids.far, "the machine that is stamped for the slot");
});

t.test("a beginning that more than one has is refused, whoever is meant", async (t) => {
  for (const wanted of ["a", "a1", "a1b2c300000"]) t.throws(() => findNode(context, wanted), { code: "AMBIGUOUS_ID" }, wanted);
  t.equal(findNode(context, "a1b2c3000002").id, ids.near, "one digit more, and it is nobody else");
});

t.test("what matches nobody is NOT_FOUND, and no pattern", async (t) => {
  for (const wanted of ["", "b", "a1b2c30000011", "w-2", "w-9", "%", "_1", "a%", "A1B2C3000001", "a".repeat(5000)]) {
    t.throws(() => findNode(context, wanted), { code: "NOT_FOUND" }, wanted.slice(0, 20));
  }
});
