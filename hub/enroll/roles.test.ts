import t from "tap";
import { unary } from "../../test/fakes/admin-client.ts";
import { firmwareLog, releaseOf } from "../../test/fakes/evidence-case.ts";
import { serveHubFor } from "../../test/fakes/served-hub.ts";
import { until } from "../../test/fakes/live-node.ts";
import { logWith, measuring } from "../../test/fakes/log-case.ts";
import { TestMachine } from "../../test/fakes/test-agent.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import type { Approval } from "../../proto/release/approval.ts";
import type { Release } from "../../proto/release/release.ts";
import { utf8 } from "../../proto/wire/bytes.ts";

/** The master's image is another file than the worker's. */
const masterLog = logWith((events) => events.map((e) => (e.type === EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION ? measuring(e, utf8("the master's image")) : e)));
const release: Release = { ...releaseOf(firmwareLog), images: [...releaseOf(firmwareLog, "worker").images, ...releaseOf(masterLog, "master").images] };

t.setTimeout(120_000);
const [asWorker, asMaster, free] = await Promise.all([TestMachine.boot({ role: "worker" }), TestMachine.boot({ role: "master" }), TestMachine.boot()]);
const served = await serveHubFor(t, { pinned: { "w-1": asWorker, "w-2": asMaster }, others: [free], window: 10, arrange: (w) => (w.release = release) });
const { admin: client, attach } = served;

async function answerTo(machine: TestMachine): Promise<string> {
  const live = attach(machine);
  await until("an answer", () => live.last("refusal") !== undefined || live.last("waiting") !== undefined);
  const answer = live.last("refusal")?.code ?? live.last("waiting")?.state ?? "";
  await live.close();
  return answer;
}
const approve = (m: TestMachine, slot: string, changes: Partial<Approval>, id: string) => served.approve(id, m.ekName, slot, changes);

t.test("the image of one role never passes for a slot of another, whatever the machine says it is", async (t) => {
  await asWorker.reboot(masterLog);
  t.equal(await answerTo(asWorker), "ROLE_MISMATCH", "it claims the role of its slot and runs the master's image");
  await asMaster.reboot(masterLog);
  t.equal(await answerTo(asMaster), "ROLE_MISMATCH", "it says what it runs, and its EK is pinned to a worker's slot");
  await asMaster.reboot(firmwareLog);
  t.equal(await answerTo(asMaster), "ROLE_MISMATCH", "it runs the slot's image and claims to be a master");
  await asWorker.reboot(firmwareLog);
  t.equal(await answerTo(asWorker), "pending", "image, claim and slot are one role");
});

t.test("an approval lets nobody into a slot of another role", async (t) => {
  t.equal(await answerTo(free), "unanchored");
  const { nodes } = await unary(client, "listNodes", { states: ["unanchored"] });
  const id = nodes[0]?.id ?? "";
  const acceptRisks: Approval["acceptRisks"] = ["unanchored"];
  await t.rejects(approve(free, "master", { acceptRisks, role: "worker" }, id), { code: "SLOT_MISMATCH" }, "the measured role, for a slot of another");
  await t.rejects(approve(free, "master", { acceptRisks, role: "master" }, id), { code: "APPROVAL_MISMATCH" }, "the slot's role, for a machine of another");
  await t.rejects(approve(free, "w-3", { acceptRisks, role: "master" }, id), { code: "APPROVAL_MISMATCH" }, "another role than both");
  await t.rejects(approve(asWorker, "w-3", { acceptRisks }, "w-1"), { code: "SLOT_MISMATCH" }, "a pinned machine for another slot of its role");
  t.equal((await approve(free, "w-3", { acceptRisks }, id)).state, "approved");
  t.equal((await approve(asWorker, "w-1", {}, "w-1")).state, "approved");
});
