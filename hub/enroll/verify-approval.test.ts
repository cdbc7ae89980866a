import t from "tap";
import { HubWorld, type SignedStatement } from "../../test/fakes/hub-world.ts";
import { makeIdentity, makeOperator, makePki } from "../../test/fakes/pki.ts";
import { firmwareDigest } from "../../proto/release/firmware.ts";
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
const identity: Identity = { id: "x", ekName: EK, generation: 1, ekPublic: new Uint8Array(), state: { t: "pending", facts }, proven: true, baseline: null, lastClock: null, firstSeenMs: 0, stateSinceMs: 0 };

function question(changes: Partial<ApprovalQuestion> = {}): ApprovalQuestion {
  const byEk = new Map(world.slots.flatMap((s) => (s.ekName === null ? [] : [[s.ekName, s] as const])));
  const slots = new Map(world.slots.map((s) => [s.name, s]));
  const anchors = { slots, byEk, certifies: () => false };
  return { cluster: "demo", rootCa: world.image.rootCa, anchors, nowMs: Date.now(), identity, facts, ...changes };
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

t.test("a maker's certificate is an anchor, and outranked by a pin", async (t) => {
  const stranger = { ...identity, ekName: `000b${"ee".repeat(32)}` };
  const { anchors } = question();
  const certified = { ...anchors, certifies: ({ ekName }: { readonly ekName: string }) => ekName === stranger.ekName };
  const q = question({ identity: stranger, anchors: certified });
  t.match(verifyApproval(world.approval(stranger.ekName, "w-3"), q), { approval: { slot: "w-3", acceptRisks: [] } }, "no risk to name");
  t.throws(() => verifyApproval(world.approval(stranger.ekName, "w-1"), q), { code: "CONFLICT" }, "but no slot of somebody else's");
  t.throws(() => verifyApproval(world.approval(stranger.ekName, "w-3"), { ...q, anchors }), { code: "UNANCHORED" }, "nor without it");
});

t.test("what a statement binds of the boot", async (t) => {
  t.ok(verifyApproval(world.approval(EK, "w-1", { firmware: firmwareDigest(facts.firmware.values) }), question()), "the firmware that was shown");
  t.ok(verifyApproval(world.approval(EK, "w-1", { firmware: null }), question()), "any, where none was known yet");
  const shared = question({ facts: { ...facts, releaseGeneration: 3, sharedBy: [1] } });
  t.ok(verifyApproval(world.approval(EK, "w-1"), shared), "a newer release with the very same image");
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
    ["an operator who may only see", "APPROVAL_INVALID", world.approval(EK, "w-1", {}, await makeOperator(world.pki, "bob", "read-only"))],
    ["a good chain beside somebody else's signature", "APPROVAL_INVALID", { ...world.approval(EK, "w-1", {}, mallory), chain: world.operator.chain }],
    ["no chain", "APPROVAL_INVALID", { ...good, chain: [] }],
    ["one bit of the envelope", "APPROVAL_INVALID", { ...good, envelope: good.envelope.with(60, (good.envelope[60] ?? 0) ^ 1) }],
    ["no envelope", "APPROVAL_INVALID", { ...good, envelope: new Uint8Array() }],
    ["its time is over", "APPROVAL_EXPIRED", world.approval(EK, "w-1", { notAfter: Math.floor(Date.now() / 1000) - 1 })],
    ["another cluster", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { cluster: "other" })],
    ["another EK", "EK_MISMATCH", world.approval(OTHER, "w-1")],
    ["another generation of the identity", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { identityGeneration: 2 })],
    ["another release", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { releaseGeneration: 2 })],
    ["a release that has another image of the role", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { releaseGeneration: 2 }), { facts: { ...facts, sharedBy: [3] } }],
    ["another firmware", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { firmware: firmwareDigest({ "0": "00" }) })],
    ["another role than the measured one", "APPROVAL_MISMATCH", world.approval(EK, "w-1", { role: "master" })],
    ["a slot of another role", "SLOT_MISMATCH", world.approval(EK, "master", { role: "worker" })],
    ["a slot that isn't there", "SLOT_UNKNOWN", world.approval(EK, "w-9")],
    ["another slot than the pinned one", "SLOT_MISMATCH", world.approval(EK, "w-3")],
    ["another slot, with the risk accepted", "SLOT_MISMATCH", world.approval(EK, "w-3", { acceptRisks: ["unanchored"] })],
  ];
  for (const [name, code, statement, q] of cases) t.throws(() => verifyApproval(statement, question(q)), { code }, name);
});
