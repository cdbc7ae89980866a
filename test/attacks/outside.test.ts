import t from "tap";
import type { Status } from "../../agent/status/status.ts";
import type { AuditRowObject, NodeObject } from "../../hub/cli/output/objects.ts";
import { comparable } from "./comparable.ts";
import { type OutsideView, proveOutside } from "./outside.ts";
import { GuestSlots } from "./slots.ts";

const peer = (name: string) => ({ name, publicKey: "", allowedIps: [], endpoint: null, handshakeAge: null, rxBytes: 0, txBytes: 0 });
const status = (state: string, peers: readonly string[]) =>
  ({ node: { state }, planes: ["wg1", "wg2", "wg3"].map((name) => ({ name, address: "", up: true, peers: peers.map(peer) })) }) as unknown as Status;
const node = (facts: Partial<NodeObject>) => ({ id: "a1", name: "x", ekName: "ek", state: "rejected", code: "PCR_MISMATCH", planes: {}, ...facts }) as NodeObject;
const good: OutsideView = { slot: "x", ekNames: ["ek"], honestSlot: "honest", nodes: [node({})], audit: [], master: status("admitted", ["honest"]), own: status("refused", []) };
const held = (view: Partial<OutsideView>) => proveOutside({ ...good, ...view }).map((proof) => proof.held);

t.test("outside is outside, and each way of being inside is seen", async (t) => {
  t.same(held({}), [true, true, true, true]);
  t.same(held({ nodes: [] }), [true, true, true, true], "the hub never heard of it");
  const admit = { action: "admit", subject: "a1", detail: "y" } as AuditRowObject;
  const cases: readonly (readonly [string, Partial<OutsideView>, number])[] = [
    ["connected", { nodes: [node({ state: "connected" })] }, 0],
    ["approved", { nodes: [node({ state: "approved" })] }, 0],
    ["a state that isn't known", { nodes: [node({ state: "teleported" })] }, 0],
    ["an address", { nodes: [node({ planes: { wg1: "10.78.0.9" } })] }, 0],
    ["another EK in its slot", { nodes: [node({ ekName: "other", state: "connected" })] }, 0],
    ["its EK under another name", { nodes: [node({ name: "y", state: "connected" })] }, 0],
    ["admitted once", { audit: [admit] }, 1],
    ["its slot was admitted", { audit: [{ ...admit, subject: "b2", detail: "x" }] }, 1],
    ["a peer of the master", { master: status("admitted", ["honest", "x"]) }, 2],
    ["a master without the honest worker proves nothing", { master: status("admitted", []) }, 2],
    ["a master without planes proves nothing", { master: { ...status("admitted", []), planes: [] } }, 2],
    ["its own agent is admitted", { own: status("admitted", []) }, 3],
    ["its own agent has a peer", { own: status("refused", ["master"]) }, 3],
  ];
  for (const [what, view, at] of cases) t.same(held(view), [0, 1, 2, 3].map((i) => i !== at), what);
});

t.test("explanations of two runs are the same text", async (t) => {
  const text = (id: string, hex: string, age: string, at: string) =>
    `x (id ${id}) is rejected (for ${age}): it is\nwrong.\n\nPCR 4, event 2: started image (PCR_MISMATCH)\n  expected  ${hex} (the UKI)\n  found     nothing\n  Usual cause: somebody\n  did it\n\nNext: dial ${at}:7443`;
  const one = comparable(text("ffecb3520490", "ab".repeat(32), "2s", "10.100.10.9"));
  t.equal(one, comparable(text("0123456789ab", "cd".repeat(32), "1m 10s", "10.100.10.200").replace("it is\nwrong", "it\nis wrong")));
  t.equal(one, "x (id ID) is rejected (for a while): it is wrong.\n\nPCR 4, event 2: started image (PCR_MISMATCH)\n  expected  DIGEST (the UKI)\n  found     nothing\n  Usual cause: somebody did it\n\nNext: dial ADDRESS\n");
  t.not(one, comparable(text("0123456789ab", "cd".repeat(32), "2s", "10.100.10.9").replace("event 2", "event 3")), "what counts still shows");
});

t.test("no more guests at once than there is room for, and one that needs two isn't overtaken for ever", async (t) => {
  const slots = new GuestSlots(2);
  let [now, most] = [0, 0];
  const order: string[] = [];
  const row = (name: string, count: number) =>
    slots.use(count, async () => {
      order.push(name);
      most = Math.max(most, (now += count));
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= count;
    });
  await Promise.all([row("a", 1), row("b", 2), row("c", 1), row("d", 1), row("e", 0), row("f", 2)]);
  t.equal(most, 2);
  t.same(order, ["a", "b", "c", "d", "e", "f"]);
  await t.rejects(slots.use(2, () => Promise.reject(new Error("failed"))));
  await slots.use(2, () => Promise.resolve());
  t.pass("a row that throws gives its slots back");
});
