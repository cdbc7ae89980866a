import { setTimeout as sleep } from "node:timers/promises";
import { type Got, type TestMachine, TestStream } from "./test-agent.ts";

type Body = TestStream["received"][number];

/** A machine's stream that answers every challenge, as an agent does, until it is told not to. */
export class LiveNode {
  readonly stream: TestStream;
  readonly machine: TestMachine;
  /** Messages from this number on get no answer. */
  #deafFrom = Number.POSITIVE_INFINITY;
  #seen = 0;
  readonly #running: Promise<void>;

  constructor(machine: TestMachine, port: number, root: string) {
    this.machine = machine;
    this.stream = new TestStream(port, machine.key, [machine.certificate], root);
    this.stream.hello(machine);
    this.#running = this.#run().catch(() => undefined);
  }

  /** Dials until it is admitted: like an agent it comes back when the hub ends a stream and allows another try. */
  static async join(machine: TestMachine, port: number, root: string): Promise<LiveNode> {
    const limit = Date.now() + 30_000;
    for (;;) {
      const live = new LiveNode(machine, port, root);
      try {
        return await live.admitted();
      } catch (error) {
        await live.close();
        const wait = live.last("refusal")?.retryAfterMs ?? 0;
        if (wait === 0 || Date.now() > limit) throw error;
        await sleep(Math.min(wait, 500));
      }
    }
  }

  /** False: what comes from now on gets no answer; what has come already still does. */
  set answers(on: boolean) {
    this.#deafFrom = on ? Number.POSITIVE_INFINITY : this.stream.received.length;
  }

  /** The hub's id of it; empty before its admission. */
  get id(): string {
    return this.last("admission")?.id ?? "";
  }

  /** Every message of this kind so far. */
  all<K extends Body["$case"]>(kind: K): readonly Got<K>[] {
    return this.stream.received.filter((b) => b.$case === kind).map((b) => b.value as Got<K>);
  }

  last<K extends Body["$case"]>(kind: K): Got<K> | undefined {
    return this.all(kind).at(-1);
  }

  /** Ids of its peers by the updates so far. */
  get peers(): readonly string[] {
    const ids = new Set<string>();
    for (const u of this.all("planeUpdate")) {
      if (u.full) ids.clear();
      for (const id of u.remove) ids.delete(id);
      for (const p of u.set) ids.add(p.id);
    }
    return [...ids];
  }

  /** Resolves when it has its peers; rejects with what the hub said instead. */
  async admitted(): Promise<this> {
    await until("an update", () => {
      if (this.stream.ended) throw new Error(`the hub ended the stream: ${this.last("refusal")?.code ?? this.stream.error?.message ?? "without a word"}`);
      return this.all("planeUpdate").length > 0;
    }).catch((cause: unknown) => {
      throw new Error(`not admitted; the hub sent: ${this.stream.received.map((b) => b.$case).join(", ")}`, { cause });
    });
    return this;
  }

  close(): Promise<void> {
    this.stream.close();
    return this.#running;
  }

  async #run(): Promise<void> {
    while (!this.stream.ended) {
      const body = this.stream.received[this.#seen];
      if (body === undefined) await sleep(5);
      else {
        this.#seen++;
        if (body.$case === "challenge" && this.#seen <= this.#deafFrom) await this.stream.answer(this.machine, body.value);
      }
    }
  }
}

/** Waits until something holds; rejects after `ms` with its name. */
export async function until(what: string, held: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const limit = Date.now() + ms;
  while (!(await held())) {
    if (Date.now() > limit) throw new Error(`never came true: ${what}`);
    await sleep(10);
  }
}
