import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { RECORDED_NAMES, RECORDING_FILES, type RecordedName } from "./recording.ts";
import type { Replay } from "./replay.ts";
import { note } from "./transcript.ts";

interface Explanation {
  readonly findings: readonly { readonly pcr: number | null; readonly what: string; readonly expected: string; readonly found: string }[];
}

/** One part of the replay, in the demo's words. */
export interface Scene {
  readonly name: string;
  readonly title: string;
  readonly run: (replay: Replay) => Promise<void>;
}

/** The replay, in order; each scene proves what it showed before the next one begins. */
export const SCENES: readonly Scene[] = [
  { name: "attest", title: "Playing the recorded evidence to the hub", run: playEvidence },
  { name: "pending", title: "Who waits for an operator", run: showPending },
  { name: "approve", title: "Approving worker-1 in the operator's CLI", run: approveWorker },
  { name: "unanchored", title: "Approving the lookalike without naming its risk", run: refuseLookalike },
  { name: "rejected", title: "Why the altered image was rejected", run: explainAltered },
  { name: "inspect", title: "Judging the recorded files without any hub", run: inspectFiles },
  { name: "record", title: "What the hub knows at the end", run: recordNodes },
];

/** Hello, the recorded challenge, the recorded evidence; what comes of it must be what came of it then. */
async function playEvidence(replay: Replay): Promise<void> {
  const { report, transcript } = replay;
  const opened = await transcript.hub(["window", "open", "--for", "10m", "--max", "8"]);
  report.prove("the operator opened an enrolment window", opened.code === 0);
  for (const name of RECORDED_NAMES) {
    const { state, code } = replay.node(name);
    const stream = await replay.dial(name);
    const { recorded } = await stream.answer();
    report.prove(`the hub asked ${name} the recorded nonce`, recorded);
    const said = await stream.nextOf(["waiting", "admission", "refusal"]);
    const now = said.$case === "waiting" ? said.value.state : said.$case === "admission" ? "connected" : "rejected";
    const nowCode = said.$case === "refusal" ? said.value.code : "";
    report.prove(`${name}'s evidence is judged as in the recorded run: ${state}${code === "" ? "" : `, ${code}`}`, now === state && nowCode === code, `${now} ${nowCode}`.trim());
  }
  await refuseSecondUse(replay);
}

/** A recording is worth nothing to a hub that chooses its nonce itself: the same bytes again, the hub's own challenge. */
async function refuseSecondUse(replay: Replay): Promise<void> {
  const again = await replay.dialAfresh("worker-2");
  const { recorded } = await again.answer();
  const { code } = await again.next("refusal");
  replay.report.prove("the same evidence is refused where the hub chooses the nonce itself", !recorded && code === "SECRET_WRONG", code);
}

async function showPending(replay: Replay): Promise<void> {
  const { stdout, stderr } = await replay.transcript.hub(["pending"]);
  const lookalike = await replay.nodeObject("lookalike");
  const text = `${stdout}\n${stderr}`;
  replay.report.result.unanchored.push({ id: lookalike.id });
  replay.report.prove("both workers stand in pending", ["worker-1", "worker-2"].every((name) => stdout.includes(name)));
  replay.report.prove("the lookalike stands there as unanchored, with the warning in words", stdout.includes(lookalike.id.slice(0, 8)) && /WARNING: 1 unanchored/.test(text));
}

/** Types what the recorded pin file says, not what the screen says. */
async function approveWorker(replay: Replay): Promise<void> {
  const { report, recording } = replay;
  const ekName = recording.pins.slots.find((slot) => slot.name === "worker-1")?.ekName ?? "";
  const ended = await replay.transcript.terminal(["approve", "worker-1", "--reason", "replay", "--no-wait"], /press Enter to leave it: $/, ekName.slice(-8));
  report.prove("worker-1 was approved by a signed statement after its EK was compared with the pin file", ended.code === 0, `exit code ${ended.code}`);
  note('Nobody waits for its planes: behind the admitted stream is a recording, so none comes up. "Connected" below is the hub\'s own word.');
  const admission = await replay.played("worker-1").next("admission");
  report.prove("the hub handed its stream a certificate, the approval and an address in each plane", admission.name === "worker-1" && admission.planes.length === 3);
}

async function refuseLookalike(replay: Replay): Promise<void> {
  const node = await replay.nodeObject("lookalike");
  const refused = await replay.transcript.hub(["approve", node.id, "--ek-name", node.ekName, "--slot", "worker-2", "--no-wait"]);
  replay.report.prove("a plain approval of the lookalike is refused", refused.code === 8 && /UNANCHORED/.test(refused.stderr), `exit code ${refused.code}`);
  const after = await replay.nodeObject("lookalike");
  replay.report.prove("and it is still outside", after.state === "unanchored" && Object.keys(after.planes).length === 0);
}

async function explainAltered(replay: Replay): Promise<void> {
  const { report, transcript } = replay;
  const node = await replay.nodeObject("altered");
  await transcript.hub(["explain", node.id]);
  const { findings } = await transcript.json<Explanation>(["explain", node.id]);
  for (const { pcr, expected, found, what } of findings) {
    if (pcr !== null) report.result.rejected.push({ reason: `${node.code}: ${what}`, pcr, expected, found });
  }
  const pcrs = [...new Set(report.result.rejected.map((finding) => finding.pcr))].sort((a, b) => a - b);
  const recorded = replay.node("altered").pcrs;
  report.prove(`explain names PCR ${recorded.join(" and ")}, as in the recorded run`, pcrs.join() === recorded.join() && pcrs.length > 0, `PCR ${pcrs.join(", ")}`);
}

/** The same verdicts offline, from the files alone, and one firmware log laid open. */
async function inspectFiles(replay: Replay): Promise<void> {
  const { report, transcript, recording } = replay;
  const file = (name: string): string => relative(process.cwd(), join(recording.dir, name)) || name;
  const release = ["--release", file(RECORDING_FILES.release), "--release-key", file(RECORDING_FILES.releaseKey)];
  const inspect = (name: RecordedName) => transcript.local(["inspect", "evidence", file(`${name}.json`), ...release]);
  report.prove("worker-1's file alone is accepted offline", (await inspect("worker-1")).code === 0);
  const altered = await inspect("altered");
  report.prove("the altered image's file alone is refused offline", altered.code === 8 && altered.stdout.includes(replay.node("altered").code), `exit code ${altered.code}`);
  const log = join(replay.dir, "worker-1.log");
  await writeFile(log, replay.node("worker-1").evidence.firmwareLog);
  const opened = await transcript.local(["inspect", "eventlog", log]);
  report.prove("worker-1's firmware log is laid open event by event", opened.code === 0 && /PCR {2}4 {2}[0-9a-f]{64}/.test(opened.stdout));
}

/** For the table. No plane is up: there is no machine that could have one. */
async function recordNodes(replay: Replay): Promise<void> {
  await replay.transcript.hub(["nodes"]);
  const nodes = await replay.nodes();
  for (const { name, role, ekName } of replay.recording.pins.slots) {
    const state = nodes.find((node) => node.ekName === ekName)?.state ?? "unknown";
    replay.report.result.nodes.push({ name, role, state, planes: { wg1: false, wg2: false, wg3: false } });
  }
  const stateOf = (name: string) => replay.report.result.nodes.find((node) => node.name === name)?.state;
  replay.report.prove("worker-1 has its place, worker-2 still waits", stateOf("worker-1") === "connected" && stateOf("worker-2") === "pending");
}
