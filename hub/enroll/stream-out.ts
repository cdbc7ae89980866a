import type { HubMessage } from "../../proto/gen/kubedos/v1/node.ts";
import type { Log } from "../ports.ts";
import { INTERNAL, refusalOf, type RefusalFacts, type SessionPort } from "./session-state.ts";

/** Where one stream's lines and end go. */
export interface StreamEdge {
  readonly port: SessionPort;
  readonly log: Log;
  /** Address of the machine, for people. */
  readonly source: string;
  /** Takes the stream out of every list, before the node can know that it has ended; calls {@link StreamOut.close}. */
  readonly leave: () => void;
}

/** What one stream says to its node, until it has said why it ends. */
export class StreamOut {
  readonly #edge: StreamEdge;
  #id = "";
  #isOpen = true;

  constructor(edge: StreamEdge) {
    this.#edge = edge;
  }

  /** Until the end, which comes once. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whose stream it is, known from the hello on. */
  set id(id: string) {
    this.#id = id;
  }

  send(body: NonNullable<HubMessage["body"]>): void {
    if (this.#isOpen) this.#edge.port.send({ body });
  }

  /** The last message, and the end. */
  refuse(refusal: RefusalFacts): void {
    if (!this.#isOpen) return;
    const { port, log, source, leave } = this.#edge;
    const { code, message, retryAfterMs, id = this.#id } = refusal;
    log.info("refused", { code, id, source });
    this.send({ $case: "refusal", value: { code, message, id, retryAfterMs } });
    leave();
    port.end();
  }

  /** Ends the stream by what was thrown; a fault of ours is written down, and the node hears no more of it than that. */
  fail(error: unknown): void {
    const refusal = refusalOf(error, this.#id);
    if (refusal === null) this.#edge.log.error("session failed", { id: this.#id, source: this.#edge.source, err: error });
    this.refuse(refusal ?? INTERNAL);
  }

  /** Does something of this stream's, while it is open; what it throws is the stream's end. */
  guarded(work: () => void): void {
    if (!this.#isOpen) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The stream has ended, by either side. */
  close(): void {
    this.#isOpen = false;
  }
}
