import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { AttestCode } from "../../hub/attest/codes.ts";
import { judgeRecorded } from "./judge-recorded.ts";
import { readRecording, RECORDED_NAMES, RECORDING_DIR, RECORDING_FILES, type RecordedNode, recordedNode } from "./recording.ts";

const recording = await readRecording(RECORDING_DIR);
const dir = mkdtempSync(join(tmpdir(), "kubedos-recording-"));
t.teardown(() => rmSync(dir, { recursive: true }));

t.test("the recording is judged as on the day it was made", async (t) => {
  const verdictOf = (name: (typeof RECORDED_NAMES)[number]) => judgeRecorded(recording, recordedNode(recording, name));
  t.match(verdictOf("master"), { ok: true, facts: { anchor: "pinned", image: { role: "master" }, claims: { issuers: {} } } });
  for (const name of ["worker-1", "worker-2"] as const) {
    t.match(verdictOf(name), { ok: true, facts: { anchor: "pinned", image: { role: "worker" }, phase: "kubedos-agent", ekName: recordedNode(recording, name).ekName } }, name);
  }
  t.match(verdictOf("lookalike"), { ok: true, facts: { anchor: "none", image: { role: "worker" } } });
  const altered = verdictOf("altered");
  t.match(altered, { ok: false, code: "PCR_MISMATCH" });
  t.same(altered.ok ? [] : altered.findings.map((finding) => (finding.at === "field" ? -1 : finding.pcr)).sort((a, b) => a - b), [4, 11], "in PCR 4 and 11 and nowhere else");
});

t.test("what the recorded hub said is in the facts", (t) => {
  const facts = recording.facts.nodes.map(({ name, state, code, pcrs }) => ({ name, state, code, pcrs }));
  t.same(facts, [
    { name: "master", state: "connected", code: "", pcrs: [] },
    { name: "worker-1", state: "pending", code: "", pcrs: [] },
    { name: "worker-2", state: "pending", code: "", pcrs: [] },
    { name: "altered", state: "rejected", code: "PCR_MISMATCH", pcrs: [4, 11] },
    { name: "lookalike", state: "unanchored", code: "", pcrs: [] },
  ]);
  for (const { name, ekName } of recording.pins.slots) t.equal(recordedNode(recording, name as "master").ekName, ekName, `${name} is pinned`);
  t.end();
});

t.test("near-misses of the recorded evidence", (t) => {
  const worker = recordedNode(recording, "worker-1");
  const other = recordedNode(recording, "worker-2");
  const { evidence, challenge } = worker;
  const flipped = (data: Uint8Array): Uint8Array => data.map((byte, i) => (i === data.length >> 1 ? byte ^ 1 : byte));
  const cases: readonly [string, Partial<RecordedNode>, AttestCode][] = [
    ["one bit of the secret", { evidence: { ...evidence, secret: flipped(evidence.secret) } }, "SECRET_WRONG"],
    ["one bit of the quote", { evidence: { ...evidence, quote: flipped(evidence.quote) } }, "SIGNATURE_WRONG"],
    ["one bit of the claims", { evidence: { ...evidence, claims: flipped(evidence.claims) } }, "BINDING_WRONG"],
    ["one bit of the firmware log", { evidence: { ...evidence, firmwareLog: flipped(evidence.firmwareLog) } }, "BINDING_WRONG"],
    ["one bit of the userspace log", { evidence: { ...evidence, userspaceLog: flipped(evidence.userspaceLog) } }, "BINDING_WRONG"],
    ["the altered image's log", { evidence: { ...evidence, firmwareLog: recordedNode(recording, "altered").evidence.firmwareLog } }, "BINDING_WRONG"],
    ["another nonce", { challenge: { ...challenge, nonce: other.challenge.nonce } }, "BINDING_WRONG"],
    ["another hub", { challenge: { ...challenge, verifier: flipped(challenge.verifier) } }, "BINDING_WRONG"],
    ["another machine's connection", { peerKey: other.peerKey }, "TLS_KEY_WRONG"],
    ["another cluster", { cluster: "demo2" }, "CLUSTER_WRONG"],
    ["a slot of another role", { pinnedRole: "master" }, "ROLE_MISMATCH"],
  ];
  for (const [name, changes, code] of cases) t.match(judgeRecorded(recording, { ...worker, ...changes }), { ok: false, code }, name);
  t.end();
});

t.test("only a whole recording of one run is read", async (t) => {
  const json = (name: string, change: (value: Record<string, unknown>) => void) => (folder: string) => {
    const value = JSON.parse(readFileSync(join(folder, name), "utf8")) as Record<string, unknown>;
    change(value);
    writeFileSync(join(folder, name), JSON.stringify(value));
  };
  const cases: readonly [string, (folder: string) => void, RegExp][] = [
    ["a release that its key didn't sign", json(RECORDING_FILES.release, (v) => (v["payload"] = `A${String(v["payload"]).slice(1)}`)), /no signature of a trusted key/],
    ["pins as release", (folder) => cpSync(join(folder, RECORDING_FILES.pins), join(folder, RECORDING_FILES.release)), /envelope holds/],
    ["evidence for another hub", json(RECORDING_FILES.facts, (v) => (v["hubSpki"] = "AAAA")), /was made for another hub/],
    ["another version of the facts", json(RECORDING_FILES.facts, (v) => (v["version"] = 2)), /version/],
    ["a machine missing in the facts", json(RECORDING_FILES.facts, (v) => (v["nodes"] as unknown[]).pop()), /has no lookalike/],
    ["an unknown key in evidence", json("altered.json", (v) => (v["extra"] = 1)), /[Uu]nrecognized/],
    ["evidence missing", (folder) => rmSync(join(folder, "worker-2.json")), /ENOENT/],
  ];
  for (const [i, [name, spoil, message]] of cases.entries()) {
    const folder = join(dir, String(i));
    cpSync(RECORDING_DIR, folder, { recursive: true });
    spoil(folder);
    await t.rejects(readRecording(folder), { message }, name);
  }
});

t.test("nothing in the recording is secret, and nothing else lies beside it", (t) => {
  const files = readdirSync(RECORDING_DIR).sort();
  t.same(files, [...RECORDED_NAMES.map((name) => `${name}.json`), ...Object.values(RECORDING_FILES)].sort());
  for (const name of files) t.notMatch(readFileSync(join(RECORDING_DIR, name), "utf8"), /PRIVATE KEY/, name);
  t.end();
});
