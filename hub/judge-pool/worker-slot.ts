import type { Worker } from "node:worker_threads";
import type { Challenge, Known, UnverifiedEvidence, Verdict } from "../attest/types.ts";
import type { Release } from "../../proto/release/release.ts";
import { broken, type FromWorker, received, type ToWorker } from "./messages.ts";

/** One evidence that waits for its verdict. */
interface Pending {
  readonly evidence: UnverifiedEvidence;
  readonly challenge: Challenge;
  readonly known: Known;
  readonly done: (verdict: Verdict) => void;
}

/** How a slot gets its threads, and what it does when it can't have any. */
export interface SlotOptions {
  readonly start: () => Worker;
  /** One evidence takes a millisecond; a thread that is silent for so long will say nothing any more. */
  readonly answerMs: number;
  /** Until it says that it runs. */
  readonly startMs: number;
  /** No thread came up: who waits is judged here, and so is everybody after him. */
  readonly unavailable: (cause: unknown) => void;
  readonly judgeHere: (evidence: UnverifiedEvidence, challenge: Challenge, known: Known) => Verdict;
}

/** The releases of the newest evidence, which the worker has, by the number that it has them under. */
type Numbers = ReadonlyMap<Release, number>;

/**
 * One thread and those who wait for it, strictly in their order. A thread that breaks has broken on the first of them: that one gets
 * `JUDGE_FAILED`, which counts as no (P29b), and the rest go to a new thread, so that nobody is refused for another's evidence.
 */
export class WorkerSlot {
  readonly #options: SlotOptions;
  #worker: Worker | null = null;
  #isReady = false;
  #waiting: Pending[] = [];
  #numbers: Numbers = new Map();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  judge(evidence: UnverifiedEvidence, challenge: Challenge, known: Known): Promise<Verdict> {
    return new Promise((done) => {
      const pending = { evidence, challenge, known, done };
      this.#waiting.push(pending);
      if (this.#worker === null) this.#start();
      else this.#post(pending);
      // Only for the first of them: else a thread that hangs would be given new time by each who joins.
      if (this.#waiting.length === 1) this.#watch();
    });
  }

  /** Who still waits gets `JUDGE_FAILED`. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    clearTimeout(this.#timer);
    for (const { done } of this.#waiting.splice(0)) done(broken("the hub stopped"));
    await worker?.terminate();
  }

  #start(): void {
    this.#isReady = false;
    this.#numbers = new Map();
    let worker: Worker;
    try {
      worker = this.#options.start();
    } catch (cause) {
      return this.#giveUp(cause);
    }
    this.#worker = worker;
    let broke: unknown = null;
    worker.on("message", (message: FromWorker) => this.#heard(worker, message));
    worker.on("error", (error) => (broke = error));
    // Always the last of its events, so that every verdict it still sent has been heard.
    worker.on("exit", (code) => this.#ended(worker, broke ?? new Error(`the thread ended with ${code}`)));
    for (const pending of this.#waiting) this.#post(pending);
  }

  #post({ evidence, challenge, known }: Pending): void {
    const { releases, otherReleases = [], ...rest } = known;
    const numberOf = this.#numbered([...releases, ...otherReleases.map((o) => o.release)]);
    const byNumber = { releases: releases.map(numberOf), otherReleases: otherReleases.map((other) => ({ ...other, release: numberOf(other.release) })) };
    // What came from the wire are views on larger buffers, all of which would be copied along.
    const owned = Object.fromEntries(Object.entries(evidence).map(([part, data]: [string, Uint8Array]) => [part, Uint8Array.from(data)]));
    const message: ToWorker = { t: "judge", evidence: owned as unknown as UnverifiedEvidence, challenge, known: { ...rest, ...byNumber } };
    this.#worker?.postMessage(message, Object.values(owned).map((data) => data.buffer));
  }

  /** The numbers of these releases; the worker gets those that it hasn't got, and forgets those that nobody asks about any longer. */
  #numbered(releases: readonly Release[]): (release: Release) => number {
    const before = this.#numbers;
    const now = new Map(releases.map((release) => [release, before.get(release) ?? this.#next++]));
    const add = [...now].filter(([release]) => !before.has(release)).map(([release, number]) => [number, release] as const);
    const forget = [...before].filter(([release]) => !now.has(release)).map(([, number]) => number);
    this.#numbers = now;
    if (add.length + forget.length > 0) this.#worker?.postMessage({ t: "releases", add, forget } satisfies ToWorker);
    return (release) => now.get(release) ?? -1;
  }

  #heard(worker: Worker, message: FromWorker): void {
    if (worker !== this.#worker) return;
    if (message.t === "ready") {
      this.#isReady = true;
      return this.#watch();
    }
    const first = this.#waiting.shift();
    first?.done(received(message.verdict, first.known.releases));
    this.#watch();
  }

  #ended(worker: Worker, cause: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    void worker.terminate();
    if (!this.#isReady) return this.#giveUp(cause);
    this.#waiting.shift()?.done(broken(cause instanceof Error ? cause.message : String(cause)));
    if (this.#waiting.length > 0) this.#start();
    this.#watch();
  }

  #giveUp(cause: unknown): void {
    this.#worker = null;
    clearTimeout(this.#timer);
    this.#options.unavailable(cause);
    for (const { evidence, challenge, known, done } of this.#waiting.splice(0)) done(this.#options.judgeHere(evidence, challenge, known));
  }

  /** A thread holds the process only while somebody waits for it. */
  #watch(): void {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === null) return;
    if (this.#waiting.length === 0) return worker.unref();
    worker.ref();
    this.#timer = setTimeout(() => this.#ended(worker, new Error("the thread was silent for too long")), this.#isReady ? this.#options.answerMs : this.#options.startMs);
    this.#timer.unref();
  }
}
