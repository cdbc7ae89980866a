import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../hub/ports.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { type DemoResult, Reporter, renderResult } from "../report.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { readRecording, type Recording } from "./recording.ts";
import { Replay } from "./replay.ts";
import { startReplayHub } from "./replay-hub.ts";
import { SCENES } from "./scenes.ts";
import { requireScript, Transcript } from "./transcript.ts";

/** What the command line asked for. */
export interface ReplayOptions {
  readonly json: boolean;
  /** Folder of the recording. */
  readonly recording: string;
  readonly specFile: string;
  readonly signal: AbortSignal;
}

/** What `--json` prints, last on stdout: the demo's object, marked. */
export interface ReplayResult extends DemoResult {
  readonly replay: true;
  /** When the evidence was made, ISO 8601; empty where the recording couldn't be read. */
  readonly recordedAt: string;
}

/**
 * Plays recorded evidence to a hub of this process and drives the operator's CLI against it: no root, no guest, no network but
 * loopback. Gives the exit code: 0 only if every expectation held.
 */
export async function runReplay(options: ReplayOptions): Promise<number> {
  const report = new Reporter();
  const { result } = report;
  const dir = mkdtempSync(join(tmpdir(), "kubedos-replay-"));
  let recordedAt = "";
  let failed = "";
  try {
    requireScript();
    const recording = await readRecording(options.recording);
    recordedAt = new Date(recording.facts.recordedAt * 1000).toISOString();
    process.stdout.write(banner(recording));
    await play(recording, report, dir, options);
    result.ok = result.proofs.length > 0 && result.proofs.every((proof) => proof.held);
  } catch (error) {
    failed = options.signal.aborted ? "stopped" : errorChain(error);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  result.seconds["total"] = report.elapsed();
  if (failed === "") process.stdout.write(renderResult(result));
  else report.say(`the replay did not come to its end: ${failed}`);
  process.stdout.write("This was a REPLAY of recorded evidence: nothing was booted, no TPM was asked, no plane is up.\n");
  const { ok, ...rest } = result;
  const object: ReplayResult = { ok, replay: true, recordedAt, ...rest };
  if (options.json) process.stdout.write(`${JSON.stringify(object)}\n`);
  return ok ? 0 : options.signal.aborted ? 130 : 1;
}

async function play(recording: Recording, report: Reporter, dir: string, { specFile, signal }: ReplayOptions): Promise<void> {
  const spec = parseClusterSpec(await readFile(specFile, "utf8"), specFile);
  const log = edgeLog(report);
  const hub = await report.phase("hub", "Starting a hub with keys of its own", () => startReplayHub({ recording, spec, dir, log, signal }));
  const replay = new Replay({ recording, hub, report, transcript: new Transcript(hub.connection, signal), dir, signal });
  try {
    for (const scene of SCENES) {
      signal.throwIfAborted();
      await report.phase(scene.name, scene.title, () => scene.run(replay));
    }
  } finally {
    replay.close();
    await hub.running.close();
  }
}

function banner({ facts, release }: Recording): string {
  const date = new Date(facts.recordedAt * 1000).toISOString().slice(0, 10);
  return [
    `This is a REPLAY. The evidence was recorded from our own guests on ${date} (cluster ${facts.cluster}, release ${release.id});`,
    "nothing is booted. Real are the hub with its database and its verdict, the mutual TLS, the approval and the CLI.",
    "",
  ].join("\n");
}

/** The hub's warnings belong to people; what went well, the scenes show. */
function edgeLog(report: Reporter): Log {
  const say = (event: string, fields?: Readonly<Record<string, unknown>>): void => report.say(`hub: ${event} ${fields === undefined ? "" : String(fields["err"] ?? "")}`.trim());
  return { info: () => undefined, warn: say, error: say };
}
