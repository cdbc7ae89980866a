import t from "tap";
import { signedStatement, unary } from "../../test/fakes/admin-client.ts";
import { serveHubFor } from "../../test/fakes/served-hub.ts";
import { LiveNode, until } from "../../test/fakes/live-node.ts";
import { logWith, measuring, newEvent, utf16 } from "../../test/fakes/log-case.ts";
import { TestMachine } from "../../test/fakes/test-agent.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import type { Approval } from "../../proto/release/approval.ts";
import { firmwareChangeId, firmwareDigest } from "../../proto/release/firmware.ts";

/** The recorded firmware with another version in PCR 0, or with a card's option ROM more in PCR 2. */
const version = utf16("1.8");
const updated = logWith((events) => events.map((e) => (e.pcr === 0 && e.type === EVENT_TYPE.EV_S_CRTM_VERSION ? measuring({ ...e, data: version }, version) : e)));
const withCard = logWith((events) => {
  const at = events.findIndex((e) => e.pcr === 2);
  return events.toSpliced(at, 0, newEvent(2, "EV_EFI_BOOT_SERVICES_DRIVER", new Uint8Array(40)));
});

t.setTimeout(120_000);
const [master, w1, w2] = await Promise.all([TestMachine.boot({ role: "master" }), TestMachine.boot(), TestMachine.boot()]);
const served = await serveHubFor(t, { pinned: { master, "w-1": w1, "w-2": w2 }, approved: ["master", "w-1", "w-2"] });
const { world, admin: client, attach, node } = served;
const audit = async (action: string, subject: string) => (await served.audit(action)).filter((r) => r.subject === subject);
const approve = (m: TestMachine, slot: string, changes: Partial<Approval>, id = slot) => served.approve(id, m.ekName, slot, changes);

/** Leaves its stream, boots with this firmware and says hello again. */
async function rebootInto(live: LiveNode, log?: Uint8Array): Promise<LiveNode> {
  await live.close();
  await live.machine.reboot(log);
  return attach(live.machine);
}

async function refusal(live: LiveNode): Promise<string> {
  await until("a refusal", () => live.last("refusal") !== undefined);
  return live.last("refusal")?.code ?? "";
}

const inPlanes = await attach(master).admitted();
let a = await attach(w1).admitted();
const { id } = a;

t.test("a firmware that isn't the approved one takes the node out, and what it shows later moves it nowhere", async (t) => {
  t.match(await node("w-1"), { state: "connected", firmwareChange: "", eligible: false }, "the first verdict was recorded");
  await until("its peers", () => inPlanes.peers.includes(id));
  a = await rebootInto(a, updated);
  t.equal(await refusal(a), "FIRMWARE_CHANGED");
  t.equal(a.last("refusal")?.retryAfterMs, 5000, "it may come back to wait");
  await until("its removal", () => !inPlanes.peers.includes(id));
  for (let i = 0; i < 2; i++) {
    a = attach(w1);
    await until("a verdict", () => a.last("waiting") !== undefined);
    t.match(a.last("waiting"), { state: "quarantined" });
    t.match(await node("w-1"), { state: "quarantined", code: "FIRMWARE_CHANGED", eligible: true, planes: {}, firmwareChange: "firmware version (PCR 0)" });
    await a.close();
  }
  const { findings } = await unary(client, "explain", { id: "w-1" });
  t.match(findings, [{ code: "FIRMWARE_CHANGED", pcr: 0, what: /^firmware version/ }], "event by event");
  t.equal((await unary(client, "getEvidence", { id: "w-1" })).firmwareLog.compare(updated), 0, "the evidence is kept");
});

t.test("the old firmware doesn't bring it back either", async (t) => {
  await w1.reboot();
  a = attach(w1);
  await until("a verdict", () => a.last("waiting") !== undefined);
  t.match(await node("w-1"), { state: "quarantined", code: "FIRMWARE_CHANGED", eligible: true, firmwareChange: "" }, "nothing differs any longer, and it stays");
  t.same((await unary(client, "listFirmwareChanges", {})).changes, [], "there is no change to accept");
  t.same((await unary(client, "explain", { id: "w-1" })).findings, []);
  await a.close();
  await w1.reboot(updated);
  a = attach(w1);
  await until("a verdict", () => a.last("waiting") !== undefined);
});

t.test("an approval of a quarantined node names the firmware that it accepts", async (t) => {
  const { firmware, firmwareBefore } = await node("w-1");
  t.not(firmwareDigest(firmware), firmwareDigest(firmwareBefore));
  const again = world.approvals[1];
  await t.rejects(unary(client, "approve", { id: "w-1", approval: again === undefined ? undefined : signedStatement(again), acceptRisks: [] }), { code: "APPROVAL_INVALID" }, "the old statement, played again");
  await t.rejects(approve(w1, "w-1", { notAfter: 4_000_000_000 }), { code: "APPROVAL_MISMATCH" }, "one that names no firmware");
  await t.rejects(approve(w1, "w-1", { firmware: firmwareDigest(firmwareBefore) }), { code: "APPROVAL_MISMATCH" }, "one for the firmware of before");
  await t.rejects(approve(w1, "w-2", { firmware: firmwareDigest(firmware) }, "w-1"), { code: "SLOT_MISMATCH" });
  t.match(await node("w-1"), { state: "quarantined" });
  t.equal((await audit("approve-refused", id)).length, 4);
  t.match(await approve(w1, "w-1", { firmware: firmwareDigest(firmware) }), { state: "approved", firmwareBefore: {}, firmwareChange: "" });
  await a.admitted();
  await until("its peers", () => inPlanes.peers.includes(id));
  t.match((await audit("approve", id)).at(-1)?.detail, /quarantined before \(FIRMWARE_CHANGED\)/);
});

t.test("the accepted firmware is the one on record, and the one of before isn't any longer", async (t) => {
  a = await rebootInto(a, updated);
  await a.admitted();
  t.match(await node("w-1"), { state: "connected" }, "it comes back by itself");
  a = await rebootInto(a);
  t.equal(await refusal(a), "FIRMWARE_CHANGED");
});

t.test("nodes with one change stand together, and one with another doesn't", async (t) => {
  let b = await attach(w2).admitted();
  b = await rebootInto(b, withCard);
  t.equal(await refusal(b), "FIRMWARE_CHANGED");
  const { changes } = await unary(client, "listFirmwareChanges", {});
  t.same(changes.map((c) => [c.nodes.map((n) => n.name), c.summary]).sort(), [[["w-1"], "firmware version (PCR 0)"], [["w-2"], "option ROM (PCR 2)"]]);
  for (const c of changes) t.equal(c.id, firmwareChangeId(c.from, c.to));
  t.match(changes.find((c) => c.nodes[0]?.name === "w-2")?.findings, [{ pcr: 2, what: "option ROM" }]);
});

t.test("a node that failed otherwise is eligible with good evidence alone", async (t) => {
  await w2.reboot(withCard);
  await w2.tpm.client.extendPcr(12, new Uint8Array(32).fill(1));
  const b = attach(w2);
  t.equal(await refusal(b), "LOG_MISMATCH");
  t.match(await node("w-2"), { state: "quarantined", code: "LOG_MISMATCH", eligible: false, firmware: {} }, "what it showed before doesn't count");
  await t.rejects(approve(w2, "w-2", { firmware: "0".repeat(64) }), { code: "NO_GOOD_EVIDENCE" });
});
