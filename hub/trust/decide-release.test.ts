import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import t from "tap";
import { operatorClient, socketClient, unary } from "../../test/fakes/admin-client.ts";
import { releaseOf } from "../../test/fakes/evidence-case.ts";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { LiveNode, until } from "../../test/fakes/live-node.ts";
import { logWith, measuring } from "../../test/fakes/log-case.ts";
import { memoryFloor } from "../../test/fakes/memory-floor.ts";
import { TestMachine } from "../../test/fakes/test-agent.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { RunningHub } from "../serve.ts";

/** The log of a boot of another image: the firmware started another file. */
const logOf = (file: string): Uint8Array => logWith((events) => events.map((e) => (e.type === EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION ? measuring(e, utf8(file)) : e)));
const log2 = logOf("the second release's image");

t.setTimeout(120_000);
const world = await HubWorld.make();
const machines = await Promise.all([TestMachine.boot(), TestMachine.boot()]);
const [w1, w2] = machines;
world.pin("w-1", w1.ekName);
world.pin("w-2", w2.ekName);
world.approvals = [world.approval(w1.ekName, "w-1"), world.approval(w2.ekName, "w-2", { releaseGeneration: 3 })];
const floor = memoryFloor();
let hub: RunningHub = await world.start({ floor });
let client = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
const socket = socketClient(hub.socketPath);
t.teardown(async () => {
  client.close();
  socket.close();
  await hub.close();
  await Promise.all(machines.map((m) => m.stop()));
  world.remove();
});

/** A release of both roles, by default of the second image. */
function release(generation: number, changes: Partial<Release> = {}): Release {
  const both = ["worker", "master"].flatMap((role) => releaseOf(log2, role).images);
  return { ...releaseOf(log2), images: both, generation, id: String(generation).repeat(16).slice(0, 16), ...changes };
}
const deliver = (releases: readonly Release[]) => world.deliver({ releases: releases.map((r) => toBase64(world.sign(RELEASE_TYPE, r))) });
const stage = (r: Release, key: KeyObject = world.releaseKey) => unary(client, "stageRelease", { envelope: Buffer.from(world.sign(RELEASE_TYPE, r, key)) });
const activate = (id: string) => unary(client, "activateRelease", { id });
const withdraw = (id: string, acceptRisks: string[] = []) => unary(client, "withdrawRelease", { id, reason: "because", acceptRisks });
const states = async () => Object.fromEntries((await unary(client, "listReleases", {})).releases.map((r) => [r.id, r.state]));
const node = (id: string) => unary(client, "getNode", { id });
const FIRST = world.release.id;

function attach(machine: TestMachine): LiveNode {
  const live = new LiveNode(machine, hub.nodePort, world.image.rootCa);
  t.teardown(() => live.close());
  return live;
}

async function refusal(live: LiveNode): Promise<string> {
  await until("a refusal", () => live.last("refusal") !== undefined);
  return live.last("refusal")?.code ?? "";
}

let a = await attach(w1).admitted();
let b: LiveNode;

t.test("only a release that the release key signed for this cluster is staged", async (t) => {
  const foreign = generateKeyPairSync("ed25519").privateKey;
  await t.rejects(stage(release(3), foreign), { code: "RELEASE_INVALID" }, "by another key");
  await t.rejects(stage(release(3, { cluster: "other" })), { code: "RELEASE_INVALID" }, "for another cluster");
  await t.rejects(unary(client, "stageRelease", { envelope: Buffer.from("{}") }), { code: "RELEASE_INVALID" }, "no release at all");
  await t.rejects(stage(release(1)), { code: "GENERATION_TAKEN" }, "a second one of a generation: an approval couldn't tell them apart");
  await t.rejects(unary(socket, "stageRelease", { envelope: Buffer.alloc(0) }), { code: "READ_ONLY" });
  t.match(await stage(release(3)), { state: "staged", generation: 3n, roles: ["worker", "master"], nodes: [] });
  t.match(await stage(release(3)), { state: "staged" }, "twice is once");
  t.same(await states(), { [FIRST]: "current", [release(3).id]: "staged" });
  t.equal(floor.kept, 1, "staging raises nothing");
});

t.test("a machine that runs a staged release is refused with its own code, and passes when the release is current", async (t) => {
  await w2.reboot(log2);
  t.equal(await refusal(attach(w2)), "RELEASE_NOT_CURRENT");
  t.match((await node("w-2")).message, /release 3333333333333333, generation 3/);
  floor.kept = null;
  await t.rejects(activate("3333"), { code: "FLOOR_UNREADABLE" }, "not before the TPM keeps the floor");
  t.match(await states(), { [release(3).id]: "staged" });
  floor.kept = 1;
  t.match(await activate("3333"), { state: "current" });
  t.equal(floor.kept, 3);
  t.equal((await unary(client, "listReleases", {})).floor, 3n);
  b = await attach(w2).admitted();
  t.match(await node("w-2"), { state: "connected", release: release(3).id, releaseGeneration: 3n });
  t.ok(!a.stream.ended, "the older one stays current beside it");
});

t.test("a generation never falls", async (t) => {
  await t.rejects(stage(release(2)), { code: "ROLLED_BACK" });
  t.match(await stage(release(4)), { state: "staged" });
  t.match(await stage(release(5)), { state: "staged" });
  await activate(release(5).id);
  await t.rejects(activate(release(4).id), { code: "ROLLED_BACK" }, "staged before the floor rose");
  await t.rejects(activate("9999"), { code: "NOT_FOUND" });
  const { rows } = await unary(client, "listAudit", { limit: 1000 });
  t.same(rows.filter((r) => r.action.endsWith("-refused")).map((r) => r.code), ["RELEASE_INVALID", "RELEASE_INVALID", "RELEASE_INVALID", "GENERATION_TAKEN", "FLOOR_UNREADABLE", "ROLLED_BACK", "ROLLED_BACK", "NOT_FOUND"]);
});

t.test("a withdrawn release is final, and who runs it is out at once", async (t) => {
  await t.rejects(withdraw("0000"), { code: "NOT_FOUND" });
  t.match(await withdraw(FIRST.slice(0, 6)), { state: "withdrawn", reason: "because", nodes: ["w-1"] });
  t.equal(await refusal(a), "RELEASE_WITHDRAWN", "on its open stream, long before its renewal was due");
  t.match(await node("w-1"), { state: "quarantined", code: "RELEASE_WITHDRAWN", eligible: false });
  await t.rejects(withdraw(FIRST), { code: "RELEASE_FINAL" });
  await t.rejects(activate(FIRST), { code: "RELEASE_FINAL" });
  await t.rejects(stage(world.release), { code: "RELEASE_FINAL" });
  a = attach(w1);
  t.equal(await refusal(a), "RELEASE_WITHDRAWN");
  // A delivery that names it among others brings it back neither.
  world.serial++;
  await deliver([world.release, release(5)]);
  await until("the delivery", async () => (await unary(client, "listAudit", { limit: 10 })).rows.some((r) => r.action === "deliver" && r.detail.startsWith(`pins ${world.serial},`)));
  t.match(await states(), { [FIRST]: "withdrawn", [release(5).id]: "current" });
});

t.test("a release whose image of a role is the old one needs no new approval, and takes nobody along when it goes", async (t) => {
  await b.close();
  b = await attach(w2).admitted();
  t.match(await node("w-2"), { state: "connected", releaseGeneration: 5n }, "approved for generation 3, whose image it is, too");
  t.match(await withdraw(release(5).id), { nodes: ["w-2"] });
  await until("its verdict", async () => (await node("w-2")).releaseGeneration === 3n);
  t.ok(!b.stream.ended);
});

t.test("the last current release of a role goes only with the risk named", async (t) => {
  await t.rejects(withdraw(release(3).id), { code: "LAST_RELEASE", message: /worker, master/ });
  await t.rejects(withdraw(release(3).id, ["unanchored"]), { code: "LAST_RELEASE" });
  t.match(await states(), { [release(3).id]: "current" });
  t.match(await withdraw(release(3).id, ["no-current-release"]), { state: "withdrawn" });
  await until("its removal", async () => (await node("w-2")).state === "quarantined");
});

t.test("an edited database adds no release", async (t) => {
  const third = logOf("the attacker's image");
  const forged: Release = { ...releaseOf(third, "worker", 9), id: "9".repeat(16) };
  const foreign = generateKeyPairSync("ed25519").privateKey;
  await stage(release(6));
  client.close();
  await hub.close();
  const db = new DatabaseSync(join(world.dir, "hub.db"));
  const insert = db.prepare("INSERT OR REPLACE INTO releases (id, generation, state, envelope, reason, since_ms, mac) VALUES (?, ?, 'current', ?, '', 1, zeroblob(32))");
  insert.run(forged.id, 9, world.sign(RELEASE_TYPE, forged, foreign));
  insert.run("8".repeat(16), 8, world.sign(RELEASE_TYPE, release(7)));
  db.exec(`UPDATE releases SET state = 'current' WHERE id IN ('${release(6).id}', '${release(3).id}')`);
  db.close();
  // A delivery of this boot is lying there; both its releases were withdrawn.
  hub = await world.restart({ floor: memoryFloor(5) });
  client = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
  t.same(await states(), { [FIRST]: "withdrawn", [release(3).id]: "withdrawn", [release(4).id]: "staged", [release(5).id]: "withdrawn", [release(6).id]: "staged" }, "what isn't signed is none, what isn't sealed isn't current, what was withdrawn stays it");
  await w1.reboot(third);
  t.equal(await refusal(attach(w1)), "NO_RELEASE");
  await t.rejects(activate(release(4).id), { code: "ROLLED_BACK" }, "and the floor keeps the older one out");
  t.match(await activate(release(6).id), { state: "current" }, "what an operator says counts");
});
