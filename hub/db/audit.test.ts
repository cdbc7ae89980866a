import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import t from "tap";
import { Store } from "./store.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-audit-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const keys = { storeKey: new Uint8Array(32), bootKey: new Uint8Array(32) };
let files = 0;

/** A database with five rows, on which `tamper` is let loose with the file's own rights. */
function tampered(tamper: (db: DatabaseSync) => void): { readonly intact: boolean; readonly brokenAt: number | null } {
  const path = join(dir, `${files++}.db`);
  const store = new Store(path, { wallMs: () => 1000, ...keys });
  for (let i = 0; i < 5; i++) store.transaction(() => store.audit.append({ actor: "hub", action: "a", subject: `s${i}`, detail: "d" }));
  store.close();
  const db = new DatabaseSync(path);
  db.exec("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete");
  tamper(db);
  db.close();
  const again = new Store(path, { wallMs: () => 1000, ...keys });
  const verdict = again.audit.verify();
  again.close();
  return verdict;
}

t.test("a chain nobody touched is intact", async (t) => {
  t.match(tampered(() => undefined), { intact: true, count: 5, brokenAt: null });
});

t.test("every way of changing it is found, with the first wrong row", async (t) => {
  const cases: readonly [string, string, number][] = [
    ["a changed detail", "UPDATE audit SET detail = 'x' WHERE seq = 3", 3],
    ["a changed time", "UPDATE audit SET at_ms = 7 WHERE seq = 1", 1],
    ["a row taken out of the middle", "DELETE FROM audit WHERE seq = 2", 2],
    ["the last row cut off", "DELETE FROM audit WHERE seq = 5", 5],
    ["all rows cut off", "DELETE FROM audit", 1],
    ["a row added by hand", "INSERT INTO audit SELECT 6, at_ms, actor, action, subject, code, detail, hash FROM audit WHERE seq = 5", 6],
    ["two rows swapped", "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 99", 2],
    ["the count forgotten", "DELETE FROM meta WHERE key = 'audit_head'", 6],
  ];
  for (const [name, sql, brokenAt] of cases) t.match(tampered((db) => db.exec(sql)), { intact: false, brokenAt }, name);
});

t.test("the database itself refuses to change or remove rows", async (t) => {
  const store = new Store(join(dir, "guarded.db"), { wallMs: () => 1000, ...keys });
  t.teardown(() => store.close());
  store.transaction(() => store.audit.append({ actor: "hub", action: "a", subject: "s" }));
  const db = new DatabaseSync(join(dir, "guarded.db"));
  t.teardown(() => db.close());
  t.throws(() => db.exec("UPDATE audit SET detail = 'x'"), /append-only/);
  t.throws(() => db.exec("DELETE FROM audit"), /append-only/);
});

t.test("a decision that fails leaves neither itself nor its row", async (t) => {
  const store = new Store(join(dir, "atomic.db"), { wallMs: () => 1000, ...keys });
  t.teardown(() => store.close());
  const head = store.audit.head();
  t.throws(() =>
    store.transaction(() => {
      store.audit.append({ actor: "hub", action: "a", subject: "s" });
      throw new Error("no");
    }),
  );
  t.equal(store.audit.head(), head);
  t.ok(store.audit.verify().intact);
});

t.test("words of a peer can't reach a terminal through a row", async (t) => {
  const store = new Store(join(dir, "words.db"), { wallMs: () => 1000, ...keys });
  t.teardown(() => store.close());
  store.audit.append({ actor: "hub", action: "a", subject: "s", detail: `\u001b[2J\n${"x".repeat(2000)}` });
  const [row] = store.audit.newest(1);
  t.match(row?.detail, /^[\x20-\x7e]{1,512}$/);
});
