import t from "tap";
import { FIRMWARE_QUESTION } from "../../hub/cli/firmware/confirm.ts";
import { firmwareDigest } from "../../proto/release/firmware.ts";
import { updatedCluster } from "../fakes/fake-cluster.ts";
import type { FakeState } from "../fakes/fake-hub.ts";
import { golden } from "../golden.ts";
import { type Bench, startBench } from "./harness.ts";

type Tap = { teardown(end: () => Promise<void>): void };

/** A cluster after an update of the firmware; `change` is what most nodes have, `other` what one has. */
async function bench(t: Tap, spoil: (state: FakeState) => void = () => undefined): Promise<{ readonly b: Bench; readonly change: string; readonly other: string; readonly digest: string }> {
  const state = updatedCluster();
  spoil(state);
  const b = await startBench(state);
  t.teardown(() => b.close());
  const [most, one] = b.hub.state.firmwareChanges;
  return { b, change: most?.id ?? "", other: one?.id ?? "", digest: firmwareDigest(most?.to ?? {}) };
}
const ACCEPT = ["--selector", "role=worker", "--max", "5", "--reason", "BIOS 1.8"];

t.test("what programs and people see of a change is frozen", async (t) => {
  const { b, change } = await bench(t);
  const cases: readonly (readonly [file: string, argv: readonly string[]])[] = [
    ["firmware-list.txt", ["firmware", "list"]],
    ["firmware-list.json", ["firmware", "list", "-o", "json"]],
    ["firmware-show.txt", ["firmware", "show", change]],
    ["firmware-show.json", ["firmware", "show", change.slice(0, 4), "-o", "json"]],
    ["firmware-accept-dry-run.json", ["firmware", "accept", change, ...ACCEPT, "--dry-run", "-o", "json"]],
    ["pending-quarantined.txt", ["pending"]],
    ["node-show-quarantined.txt", ["node", "show", "w-8"]],
    ["explain-quarantined.txt", ["explain", "w-6"]],
    ["firmware-accept.json", ["firmware", "accept", change, ...ACCEPT, "--firmware", firmwareDigest(b.hub.state.firmwareChanges[0]?.to ?? {}), "-o", "json"]],
  ];
  for (const [file, argv] of cases) {
    const ran = await b.run(argv);
    t.equal(ran.code, 0, ran.stderr);
    t.equal(ran.stdout, golden(`cli/${file}`, ran.stdout), file);
    if (/list|pending/.test(file) && file.endsWith(".txt")) t.ok(Math.max(...ran.stdout.split("\n").map((l) => l.length)) <= 100, `${file} fits 100 columns`);
  }
});

t.test("one decision signs one statement a node, each for that node and this firmware", async (t) => {
  const { b, change, digest } = await bench(t);
  const ran = await b.run(["firmware", "accept", change, ...ACCEPT], { answers: [digest.slice(-8)] });
  t.equal(ran.code, 0, ran.stderr);
  t.same(ran.asked, [FIRMWARE_QUESTION]);
  t.equal(ran.stderr.split(change).length - 1, 1, "the change is shown once");
  t.match(ran.stderr, /PCR 1, event 3 \(EV_EFI_VARIABLE_BOOT\): boot order/);
  t.match(ran.stderr, /1 matching node\(s\) aren't pinned to a slot and stay outside/);
  t.match(ran.stdout, /approved 3 of 3 node\(s\)/);
  const signed = b.hub.state.approvals;
  t.same(signed.map(({ approval: a, reason, by }) => [a.slot, a.firmware, a.acceptRisks, a.releaseGeneration, reason, by]), [
    ["w-4", digest, [], 3, "BIOS 1.8", "alice"],
    ["w-5", digest, [], 3, "BIOS 1.8", "alice"],
    ["w-6", digest, [], 2, "BIOS 1.8", "alice"],
  ]);
  t.equal(new Set(signed.map((s) => s.approval.ekName)).size, 3);
  const states = Object.fromEntries(b.hub.state.nodes.map((n) => [n.name, n.state]));
  t.match(states, { "w-8": "quarantined", "w-7": "quarantined", "": "quarantined" }, "the others weren't touched");
});

t.test("near misses approve nobody", async (t) => {
  const { b, change, digest } = await bench(t);
  const accept = (selector: string, ...more: readonly string[]): readonly string[] => ["firmware", "accept", change, "--selector", selector, "--max", "5", "--reason", "r", ...more];
  const cases: readonly (readonly [argv: readonly string[], answers: readonly (string | null)[] | undefined, code: number, kubedosCode: string])[] = [
    [accept("role=worker", "--max", "2"), [digest.slice(-8)], 8, "TOO_MANY"],
    [accept("role=master"), [digest.slice(-8)], 3, "NOT_FOUND"],
    [accept("slot=w-8"), [digest.slice(-8)], 3, "NOT_FOUND"],
    [accept("role=worker,release=4"), [digest.slice(-8)], 3, "NOT_FOUND"],
    [accept("name=nobody"), [digest.slice(-8)], 3, "NOT_FOUND"],
    [accept("role=worker"), undefined, 2, "NO_TERMINAL"],
    [accept("role=worker"), [""], 1, "LEFT_ALONE"],
    [accept("role=worker"), [null], 1, "LEFT_ALONE"],
    [accept("role=worker"), ["yes"], 8, "FIRMWARE_MISMATCH"],
    [accept("role=worker"), [digest.slice(0, 8)], 8, "FIRMWARE_MISMATCH"],
    [accept("role=worker", "--firmware", "0".repeat(64)), undefined, 8, "FIRMWARE_MISMATCH"],
    [accept("role=worker", "--firmware", digest.slice(-8)), undefined, 2, "USAGE"],
    [accept("claims=w-4"), undefined, 2, "USAGE"],
    [accept("role"), undefined, 2, "USAGE"],
    [accept(""), undefined, 2, "USAGE"],
    [accept("role=worker,role=master"), undefined, 2, "USAGE"],
    [["firmware", "accept", change, "--max", "5", "--reason", "r"], undefined, 2, "USAGE"],
    [["firmware", "accept", change, "--selector", "role=worker", "--reason", "r"], undefined, 2, "USAGE"],
    [["firmware", "accept", change, "--selector", "role=worker", "--max", "5"], undefined, 2, "USAGE"],
    [["firmware", "accept", change, "--selector", "role=worker", "--max", "0", "--reason", "r"], undefined, 2, "USAGE"],
    [["firmware", "accept", "ffffffffffff", ...ACCEPT], undefined, 3, "NOT_FOUND"],
    [["firmware", "accept", "../x", ...ACCEPT], undefined, 2, "USAGE"],
    [["firmware", "show", "000000000000"], undefined, 3, "NOT_FOUND"],
  ];
  for (const [argv, answers, code, kubedosCode] of cases) {
    const ran = await b.run([...argv, "-o", "json"], answers === undefined ? {} : { answers });
    t.equal(ran.code, code, `${argv.join(" ")}: ${ran.stderr}`);
    t.match(ran.stderr, new RegExp(`"code":"${kubedosCode}"`));
  }
  t.notOk(b.hub.state.calls.includes("Approve"));
});

t.test("a hub that lies about a change gets no signature", async (t) => {
  const lies: readonly (readonly [string, (state: FakeState) => void])[] = [
    ["an id that doesn't follow from the values", (s) => s.firmwareChanges.splice(0, 1, { ...s.firmwareChanges[0]!, id: "1".repeat(12) })],
    ["other values than the id's", (s) => void (s.firmwareChanges[0]!.to = { ...s.firmwareChanges[0]!.to, "3": "ee".repeat(32) })],
    ["a PCR more", (s) => void (s.firmwareChanges[0]!.to = { ...s.firmwareChanges[0]!.to, "7": "ee".repeat(32) })],
    ["a node with another firmware among them", (s) => s.firmwareChanges[0]!.nodes.push(s.firmwareChanges[1]!.nodes[0]!)],
    ["a node that isn't eligible", (s) => s.firmwareChanges[0]!.nodes.push({ ...s.firmwareChanges[0]!.nodes[0]!, eligible: false })],
    ["a node of another cluster", (s) => s.firmwareChanges[0]!.nodes.push({ ...s.firmwareChanges[0]!.nodes[0]!, cluster: "other" })],
  ];
  for (const [what, spoil] of lies) {
    const { b, change } = await bench(t, spoil);
    const ran = await b.run(["firmware", "accept", change, ...ACCEPT, "-o", "json"], { answers: [""] });
    t.match(ran.stderr, /"code":"HUB_UNTRUSTED"/, what);
    t.notOk(b.hub.state.calls.includes("Approve"), what);
  }
});

t.test("a node that changed meanwhile doesn't keep the others outside", async (t) => {
  const { b, change, digest } = await bench(t);
  const w5 = b.hub.state.nodes.findIndex((n) => n.name === "w-5");
  b.hub.state.nodes[w5] = { ...b.hub.state.nodes[w5]!, ekName: `000b${"f".repeat(64)}` };
  const ran = await b.run(["firmware", "accept", change, ...ACCEPT, "--firmware", digest]);
  t.equal(ran.code, 8);
  t.match(ran.stdout, /w-5 +quarantined +APPROVAL_MISMATCH: .*\n(.*\n)*approved 2 of 3 node\(s\)/);
});

t.test("approve shows a quarantined node with what failed, and signs for the firmware that was shown", async (t) => {
  const { b, digest } = await bench(t);
  const w4 = b.hub.state.nodes.find((n) => n.name === "w-4");
  const ran = await b.run(["approve", "w-4"], { answers: [w4?.ekName.slice(-8) ?? ""] });
  t.equal(ran.code, 0, ran.stderr);
  t.match(ran.stderr, /was quarantined and asks to come back into cluster demo/);
  t.match(ran.stderr, /firmware +[0-9a-f]{16}… \(PCR 0-3\), CHANGED since its approval: firmware version \(PCR 0\), boot order \(PCR 1\)/);
  t.match(ran.stderr, /failed by +FIRMWARE_CHANGED/);
  t.match(ran.stderr, /1\. PCR 0, event 0 \(EV_S_CRTM_VERSION\): firmware version: 1\.7/);
  t.equal(b.hub.state.approvals[0]?.approval.firmware, digest);
  const still = await b.run(["approve", "w-7", "-o", "json"]);
  t.equal(still.code, 8);
  t.match(still.stderr, /"code":"NO_GOOD_EVIDENCE"/, "one that has shown nothing good since");
  t.equal((await b.run(["approve", "4400"], { answers: ["x"] })).code, 8, "an unanchored one still needs its risk named");
});
