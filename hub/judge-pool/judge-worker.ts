import { parentPort } from "node:worker_threads";
import type { Release } from "../../proto/release/release.ts";
import { judge } from "../attest/judge.ts";
import { ReplayMemory } from "../attest/replay-memory.ts";
import { type FromWorker, sendable, type ToWorker } from "./messages.ts";

// A thread that judges, one evidence after the other; judge-pool.ts is its other side. It touches nothing but messages.
const releases = new Map<number, Release>();
const cache = new ReplayMemory();

function send(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function releaseOf(number: number): Release {
  const release = releases.get(number);
  // The thread ends of it, and the evidence is refused: judging by less than was asked for would be another verdict.
  if (release === undefined) throw new Error(`no release was sent as number ${number}`);
  return release;
}

parentPort?.on("message", (message: ToWorker) => {
  if (message.t === "releases") {
    for (const number of message.forget) releases.delete(number);
    for (const [number, release] of message.add) releases.set(number, release);
    return;
  }
  const { evidence, challenge, known } = message;
  const current = known.releases.map(releaseOf);
  const otherReleases = known.otherReleases.map((other) => ({ ...other, release: releaseOf(other.release) }));
  send({ t: "verdict", verdict: sendable(judge(evidence, challenge, { ...known, releases: current, otherReleases }, cache), current) });
});
send({ t: "ready" });
