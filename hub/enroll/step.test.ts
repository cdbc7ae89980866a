import fc from "fast-check";
import t, { type Test } from "tap";
import { type BootFacts, holdsSlot, isAdmitted, type NodeState, nodeStateSchema } from "./state.ts";
import { IllegalStep, type NodeEvent, step } from "./step.ts";

const pcrs = { "0": "0".repeat(64) };
const facts = (anchor: "pinned" | "none"): BootFacts => ({
  ...{ role: "worker", releaseId: "r", releaseGeneration: 1, phase: "kubedos-agent", anchor, bootId: "b", tls: "k" },
  ...{ wireguard: { wg1: "1", wg2: "2", wg3: "3" }, claimedSlot: null, hubHost: null, pcrs, firmware: { values: {}, events: {} } },
});

const event: fc.Arbitrary<NodeEvent> = fc.oneof(
  fc.constantFrom<NodeEvent>(
    { e: "hello" }, { e: "challenge" }, { e: "wait" }, { e: "attach" }, { e: "lease-end" },
    { e: "enrol" }, { e: "converge" }, { e: "ready" }, { e: "seal" },
  ),
  fc.constantFrom<NodeEvent>({ e: "passed", facts: facts("pinned") }, { e: "passed", facts: facts("none") }, { e: "renew", facts: facts("pinned") }),
  fc.constantFrom<NodeEvent>({ e: "failed", code: "PCR_MISMATCH", message: "m" }, { e: "failed", code: "FIRMWARE_CHANGED", message: "m", facts: facts("pinned") }, { e: "deny", message: "m" }),
  fc.constantFrom<NodeEvent>({ e: "approve", slot: "w-1" }, { e: "approve", slot: "w-2" }),
  fc.constantFrom<NodeEvent>({ e: "fence", reason: "r" }, { e: "evict", reason: "r" }, { e: "ban", reason: "r" }, { e: "retire", reason: "r" }),
);
const history = fc.array(event, { maxLength: 40 });
const ENDED = ["fenced", "evicted", "banned", "retired"];

/** Every legal transition of a history; illegal events change nothing. */
function walk(events: readonly NodeEvent[]): { readonly before: NodeState; readonly event: NodeEvent; readonly after: NodeState }[] {
  let state: NodeState = { t: "expected", slot: "w-1" };
  return events.flatMap((event) => {
    const before = state;
    try {
      state = step(state, event);
    } catch (error) {
      if (!(error instanceof IllegalStep)) throw error;
      return [];
    }
    return [{ before, event, after: state }];
  });
}

const always = (t: Test, name: string, holds: (w: ReturnType<typeof walk>) => boolean): void => {
  t.doesNotThrow(() => fc.assert(fc.property(history, (events) => holds(walk(events))), { numRuns: 2000 }), name);
};

t.test("whatever happens, in any order", async (t) => {
  always(t, "a slot comes from an approval alone", (w) => w.every(({ before, event, after }) => !holdsSlot(after) || holdsSlot(before) || event.e === "approve"));
  always(t, "planes come after an approval and an attachment", (w) => w.every(({ before, event, after }) => !isAdmitted(after) || isAdmitted(before) || (before.t === "approved" && event.e === "attach")));
  always(t, "an approval follows a passed verdict that nothing has undone", (w) => w.every(({ before, event }) => event.e !== "approve" || ("facts" in before && before.facts !== undefined)));
  always(t, "what has ended stays ended", (w) => w.every(({ before, after }) => !ENDED.includes(before.t) || ENDED.includes(after.t)));
  always(t, "banned leads nowhere but to retired", (w) => w.every(({ before, after }) => before.t !== "banned" || after.t === "retired"));
  always(t, "who only knows the EK moves nobody who has proved more", (w) =>
    w.every(({ before, event, after }) => (event.e !== "hello" && event.e !== "challenge") || after === before || before.t === "expected" || before.t === "seen"),
  );
  always(t, "a failed verdict takes the slot", (w) => w.every(({ event, after }) => event.e !== "failed" || after.t === "rejected" || after.t === "quarantined"));
  always(t, "a failed verdict takes the facts, but for those against which the old firmware alone stands", (w) =>
    w.every(({ event, after }) => event.e !== "failed" || (after as { facts?: BootFacts }).facts === event.facts),
  );
  always(t, "failed stays failed: out of quarantine leads an approval, or an operator's end of it", (w) =>
    w.every(({ before, event, after }) => before.t !== "quarantined" || after.t === "quarantined" || event.e === "approve" || ENDED.includes(after.t)),
  );
  always(t, "what puts a node into quarantine is a failed verdict alone", (w) => w.every(({ before, event, after }) => after.t !== "quarantined" || before.t === "quarantined" || event.e === "failed"));
  always(t, "who was let in and fails is quarantined", (w) => w.every(({ before, event, after }) => event.e !== "failed" || !holdsSlot(before) || after.t === "quarantined"));
  always(t, "a machine for which nobody vouches never stands in pending", (w) => w.every(({ after }) => after.t !== "pending" || after.facts.anchor !== "none"));
  always(t, "every state reads back as it was written", (w) => w.every(({ after }) => JSON.stringify(nodeStateSchema.parse(JSON.parse(JSON.stringify(after)))) === JSON.stringify(after)));
});

t.test("the line of a good node", async (t) => {
  const line: readonly NodeEvent[] = [
    { e: "hello" }, { e: "challenge" }, { e: "passed", facts: facts("pinned") }, { e: "wait" }, { e: "approve", slot: "w-1" },
    { e: "attach" }, { e: "enrol" }, { e: "converge" }, { e: "ready" }, { e: "seal" },
  ];
  t.same(walk(line).map((s) => s.after.t), ["seen", "challenged", "attested", "pending", "approved", "connected", "enrolled", "converging", "ready", "sealed"]);
});

t.test("a quarantined node shows good evidence and stays where it is", async (t) => {
  const failed: NodeState = { t: "quarantined", code: "LOG_MISMATCH", message: "m" };
  const shown = step(failed, { e: "passed", facts: facts("pinned") });
  t.same(shown, { ...failed, facts: facts("pinned") });
  t.same(step(shown, { e: "failed", code: "PCR_MISMATCH", message: "n" }), { t: "quarantined", code: "PCR_MISMATCH", message: "n" }, "and fails again");
  t.match(step(shown, { e: "approve", slot: "w-1" }), { t: "approved", slot: "w-1", facts: facts("pinned") });
  for (const event of [{ e: "wait" }, { e: "attach" }, { e: "deny", message: "m" }, { e: "renew", facts: facts("pinned") }] as const) t.throws(() => step(shown, event), { code: "ILLEGAL_STEP" }, event.e);
});

t.test("events that a state doesn't know are coded errors", async (t) => {
  const cases: readonly [NodeState, NodeEvent][] = [
    [{ t: "seen" }, { e: "passed", facts: facts("pinned") }],
    [{ t: "seen" }, { e: "approve", slot: "w-1" }],
    [{ t: "challenged" }, { e: "approve", slot: "w-1" }],
    [{ t: "rejected", code: "X", message: "m" }, { e: "approve", slot: "w-1" }],
    [{ t: "quarantined", code: "X", message: "m" }, { e: "approve", slot: "w-1" }],
    [{ t: "pending", facts: facts("pinned") }, { e: "attach" }],
    [{ t: "approved", facts: facts("pinned"), slot: "w-1" }, { e: "deny", message: "m" }],
    [{ t: "banned", reason: "r" }, { e: "hello" }],
    [{ t: "evicted", reason: "r" }, { e: "passed", facts: facts("pinned") }],
  ];
  for (const [state, event] of cases) t.throws(() => step(state, event), { code: "ILLEGAL_STEP" }, `${event.e} in ${state.t}`);
});

t.test("a renewal moves nobody, and lets nobody in", async (t) => {
  const sealed: NodeState = { t: "sealed", facts: facts("pinned"), slot: "w-1" };
  t.equal(step(sealed, { e: "renew", facts: facts("pinned") }), sealed, "the same facts are no step");
  t.match(step(sealed, { e: "renew", facts: { ...facts("pinned"), phase: "kubedos-sealed" } }), { t: "sealed", slot: "w-1", facts: { phase: "kubedos-sealed" } });
  const outside: readonly NodeState[] = [
    { t: "expected", slot: "w-1" },
    { t: "pending", facts: facts("pinned") },
    { t: "approved", facts: facts("pinned"), slot: "w-1" },
    { t: "quarantined", code: "X", message: "m" },
    { t: "banned", reason: "r" },
  ];
  for (const state of outside) t.throws(() => step(state, { e: "renew", facts: facts("pinned") }), { code: "ILLEGAL_STEP" }, state.t);
});
