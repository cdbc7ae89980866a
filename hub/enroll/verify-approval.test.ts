import t from "tap";
import { HubWorld, type SignedStatement } from "../../test/fakes/hub-world.ts";
import { makeIdentity, makePki } from "../../test/fakes/pki.ts";
import type { Identity } from "../db/identities.ts";
import type { HubCode } from "../codes.ts";
import type { BootFacts } from "./state.ts";
import { type ApprovalQuestion, verifyApproval } from "./verify-approval.ts";

const world = await HubWorld.make();
t.teardown(() => world.remove());
const EK = `000b${"ab".repeat(32)}`;
const OTHER = `000b${"cd".repeat(32)}`;
world.pin("w-1", EK);
world.pin("w-2", OTHER);

const facts: BootFacts = {
  ...{ role: "worker", releaseId: "r", releaseGeneration: 1, phase: "kubedos-agent", anchor: "pinned", bootId: "b", tls: "k" },
  ...{ wireguard: { wg1: "1", wg2: "2", wg3: "3" }, claimedSlot: null, hubHost: null, pcrs: {}, firmware: { values: {}, events: {} } },
};
const identity: Identity = { id: "x", ekName: EK, generation: 1, ekPublic: new Uint8Array(), state: { t: "pending", facts }, proven: true, baseline: null, firstSeenMs: 0, stateSinceMs: 0 };

function question(changes: Partial<ApprovalQuestion> = {}): ApprovalQuestion {
  const byEk = new Map(world.slots.flatMap((s) => (s.ekName === null ? [] : [[s.ekName, s] as const])));
  const slots = new Map(world.slots.map((s) => [s.name, s]));
  const trust = { slots, byEk } as unknown as ApprovalQuestion["trust"];
  return { cluster: "demo", rootCa: world.image.rootCa, trust, nowMs: Date.now(), identity, facts, ...changes };
}

t.test("a good statement for a pinned machine", async (t) => {
  t.match(verifyApproval(world.approval(EK, "w-1"), question()), { operator: "alice", approval: { slot: "w-1" } });
});

t.test("an unanchored machine needs the risk in the signed words", async (t) => {
  const stranger = { ...identity, ekName: `000b${"ee".repeat(32)}` };
  const q = question({ identity: stranger });
  t.throws(() => verifyApproval(world.approval(stranger.ekName, "w-3"), q), { code: "UNANCHORED" });
  t.match(verifyApproval(world.approval(stranger.ekName, "w-3", { acceptRisks: ["unanchored"] }), q), { approval: { slot: "w-3" } });
  t.throws(() => verifyApproval(world.approval(stranger.ekName, "w-1", { acceptRisks: ["unanchored"] }), q), { code: "CONFLICT" }, "a slot pinned to somebody");
});

t.test("near misses, each with its code", async (t) => {
  const foreign = await makePki("demo");
  const other = await makePki("other");
  const mallory = await makeIdentity(foreign, "operator", "alice");
  const node = await makeIdentity(world.pki, "node", "w-1");
  const expired = await makeIdentity(world.pki, "operator", "old", new Date(Date.now() - 1000));
  const good = world.approval(EK, "w-1");
  const cases: readonly [string, HubCode, SignedStatement, Partial<ApprovalQuestion>?][] = [
    ["another root's operator", "APPROVAL_INVALID", world.approval(EK, "w-1", {}, mallory)],
    ["another cluster's operator", "APPROVAL_INVALID", world.approval(EK, "w-1", {}, await makeIdentity(other, "operator", "alice"))],
    ["a node's own signature", "APPROVAL_INVALID", world.approval(EK, "w-1", {}, node)],
    ["the hub's own signature", "APPROVAL_INVALID", world.approval(EK, "w-1", {}, await makeIdentity(world.pki, "hub", "master"))],
    ["an expired operator", "APPROVAL_INVALID", world.approval(EK, "w-1", {}, expired)],
    ["a good chain beside somebody else's signature", "APPROVAL_INVALID", { ...world.approval(EK, "w-1", {}, mallory), chain: world.operator.chain }],
    ["no chain", "APPROVAL_INVALID", { ...good, chain: [] }],
    ["one bit of the envelope", "APPROVAL_INVALID", { ...good, envelope: good.envelope.with(60, (good.envelope[60] ?? 0) ^ 1) }],
    ["no envelope", "APPROVAL_INVALID", { ...good, envelope: new Uint8Array() }],
    ["its time is over", "APPROVAL_EXPIRED", world.approval(EK, "w-1", { notAfter: Math.floor(Date.now() / 1000) - 1 })],
    ["another cluster", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { cluster: "other" })],
    ["another EK", "EK_MISMATCH", world.approval(OTHER, "w-1")],
    ["another generation of the identity", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { identityGeneration: 2 })],
    ["another release", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { releaseGeneration: 2 })],
    ["another role than the measured one", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { role: "master" })],
    ["a slot of another role", "SLOT_MISMATCH", world.approval(EK, "master", { role: "worker" })],
    ["a slot that isn't there", "SLOT_UNKNOWN", world.approval(EK, "w-9")],
    ["another slot than the pinned one", "SLOT_MISMATCH", world.approval(EK, "w-3")],
    ["another slot, with the risk accepted", "SLOT_MISMATCH", world.approval(EK, "w-3", { acceptRisks: ["unanchored"] })],
  ];
  for (const [name, code, statement, q] of cases) t.throws(() => verifyApproval(statement, question(q)), { code }, name);
});
