import { availableParallelism } from "node:os";
import { judge } from "../attest/judge.ts";
import { ReplayMemory } from "../attest/replay-memory.ts";
import type { Challenge, Known, UnverifiedEvidence, Verdict } from "../attest/types.ts";
import type { Log } from "../ports.ts";
import { startWorker } from "./start-worker.ts";
import { WorkerSlot, type SlotOptions } from "./worker-slot.ts";

/** How many threads; more than these judge faster than any listener brings evidence. */
const MAX_WORKERS = 8;
const ANSWER_MS = 10_000;
const START_MS = 30_000;

/** Options of {@link JudgePool}; tests bring threads that break. */
export interface PoolOptions {
  readonly log: Pick<Log, "info" | "warn">;
  /** Threads; without it one less than the machine has cores, since the streams need one. 0: all is judged by the caller's thread. */
  readonly workers?: number;
  readonly start?: SlotOptions["start"];
  readonly answerMs?: number;
  readonly startMs?: number;
}

/**
 * The verdict beside the streams: evidence is judged by other threads, so that no node waits for its heartbeat because another one is
 * judged. The same pure function as everywhere (hub/attest/judge.ts). One EK always has the same thread: its evidences are judged in
 * their order, and the thread's memory of replays is the one that has its logs. On one core, or where no thread comes up (an executable
 * that was built without one), it judges in the caller's thread and says so once in the log.
 */
export class JudgePool {
  readonly #options: PoolOptions;
  readonly #cache = new ReplayMemory();
  #slots: readonly WorkerSlot[] | null = null;
  /** Whether threads are of no use: there are none to be had, or the pool is closed. */
  #alone = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Never rejects: a thread that breaks is the verdict `JUDGE_FAILED`. Threads are started by the first call. */
  async judge(evidence: UnverifiedEvidence, challenge: Challenge, known: Known): Promise<Verdict> {
    this.#slots ??= this.#makeSlots();
    const slot = this.#slots[slotOf(challenge.ekName, this.#slots.length)];
    return this.#alone || slot === undefined ? this.#judgeHere(evidence, challenge, known) : await slot.judge(evidence, challenge, known);
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#alone = true;
    await Promise.all((this.#slots ?? []).map((slot) => slot.close()));
  }

  #makeSlots(): readonly WorkerSlot[] {
    const { log, workers = Math.min(MAX_WORKERS, availableParallelism() - 1), start = startWorker, answerMs = ANSWER_MS, startMs = START_MS } = this.#options;
    if (workers <= 0) log.info("verdicts share a thread with the streams", { reason: "the machine has one core" });
    const unavailable = (cause: unknown): void => {
      if (this.#alone) return;
      this.#alone = true;
      log.warn("verdicts share a thread with the streams", { reason: "no thread came up", err: cause });
    };
    const judgeHere: SlotOptions["judgeHere"] = (evidence, challenge, known) => this.#judgeHere(evidence, challenge, known);
    return Array.from({ length: Math.max(0, workers) }, () => new WorkerSlot({ start, answerMs, startMs, unavailable, judgeHere }));
  }

  #judgeHere(evidence: UnverifiedEvidence, challenge: Challenge, known: Known): Verdict {
    return judge(evidence, challenge, known, this.#cache);
  }
}

/** An EK's Name ends in a hash, so its last bytes spread evenly. */
function slotOf(ekName: string, slots: number): number {
  const n = Number.parseInt(ekName.slice(-8), 16);
  return slots === 0 || Number.isNaN(n) ? 0 : n % slots;
}
