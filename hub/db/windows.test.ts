import t from "tap";
import { Store } from "./store.ts";

const T = 1_000_000;

function fresh(t: { teardown(f: () => void): void }): Store {
  const store = new Store(":memory:", { wallMs: () => T, storeKey: new Uint8Array(32), bootKey: new Uint8Array(32) });
  t.teardown(() => store.close());
  store.windows.open({ nowMs: T, seconds: 60, max: 2, by: "alice" });
  return store;
}

t.test("a window ends, and stays ended when the clock is set back", async (t) => {
  const { windows } = fresh(t);
  t.match(windows.current(T + 59_999), { remaining: 2, openedBy: "alice" });
  t.equal(windows.current(T + 60_000), null);
  t.equal(windows.current(T + 1000), null, "not opened again by a clock that was set back");
});

t.test("a window from the future is over", async (t) => {
  t.equal(fresh(t).windows.current(T - 1), null);
});

t.test("each place is given once", async (t) => {
  const { windows } = fresh(t);
  const seq = windows.current(T)?.seq ?? 0;
  t.same([windows.use(seq), windows.use(seq), windows.use(seq)], [true, true, false]);
  t.match(windows.current(T), { remaining: 0 });
});

t.test("closing closes, and opening again replaces", async (t) => {
  const { windows } = fresh(t);
  windows.close(T + 1);
  t.equal(windows.current(T + 2), null);
  windows.open({ nowMs: T + 3, seconds: 1, max: 1, by: "bob" });
  windows.open({ nowMs: T + 4, seconds: 5, max: 9, by: "carol" });
  t.match(windows.current(T + 5), { remaining: 9, openedBy: "carol" });
  windows.close(T + 6);
  t.equal(windows.current(T + 7), null, "no older one comes up behind it");
});
