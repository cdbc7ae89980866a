import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { withOutLock } from "./lock-out.ts";

const dir = join(mkdtempSync(join(tmpdir(), "kubedos-lock-")), "out/demo");
t.teardown(() => rmSync(join(dir, "../.."), { recursive: true }));

t.test("one after the other, and a failure lets go", async (t) => {
  const order: string[] = [];
  let finish = (): void => undefined;
  let entered = (): void => undefined;
  const inside = new Promise<void>((resolve) => (entered = resolve));
  const first = withOutLock(dir, () => undefined, async () => {
    order.push("first in");
    entered();
    await new Promise<void>((resolve) => (finish = resolve));
    order.push("first out");
    throw new Error("it failed");
  });
  await inside;
  const stop = new AbortController();
  const impatient = withOutLock(dir, () => stop.abort(), async () => void order.push("never"), stop.signal);
  await t.rejects(impatient, { code: "ABORTED" });
  const second = withOutLock(dir, () => finish(), async () => void order.push("second in"));
  await t.rejects(first, /it failed/);
  await second;
  t.same(order, ["first in", "first out", "second in"]);
});
