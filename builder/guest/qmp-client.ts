import { z } from "zod";
import { parseJson } from "../../proto/wire/json.ts";
import { GuestError } from "./guest-error.ts";
import { JsonLines } from "./json-lines.ts";

const MAX_LINE = 64 * 1024;
const CALL_TIMEOUT_MS = 10_000;

const messageSchema = z.object({
  QMP: z.unknown().optional(),
  id: z.int().optional(),
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
  event: z.string().max(100).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
type Message = z.output<typeof messageSchema>;

/** QEMU's monitor. Events go to `onEvent` as they come; one command at a time. Throws GuestError. */
export class QmpClient {
  readonly #lines: JsonLines;
  readonly #onEvent: (event: string, data: Readonly<Record<string, unknown>>) => void;
  readonly #answers = new Map<number, (message: Message) => void>();
  #next = 1;

  private constructor(lines: JsonLines, onEvent: (event: string, data: Readonly<Record<string, unknown>>) => void) {
    this.#lines = lines;
    this.#onEvent = onEvent;
  }

  /** Connects and leaves the capabilities mode. */
  static async connect(path: string, onEvent: (event: string, data: Readonly<Record<string, unknown>>) => void): Promise<QmpClient> {
    const client = new QmpClient(await JsonLines.connect(path, MAX_LINE), onEvent);
    void client.#pump();
    await client.execute("qmp_capabilities");
    return client;
  }

  /** Runs a command; REFUSED with QEMU's words when it says no. */
  async execute(command: string, args: object = {}): Promise<void> {
    const id = this.#next++;
    const answer = await new Promise<Message>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(id);
        reject(new GuestError("TIMEOUT", `QEMU did not answer ${command}`));
      }, CALL_TIMEOUT_MS);
      this.#answers.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      try {
        this.#lines.send({ execute: command, arguments: args, id });
      } catch (cause) {
        clearTimeout(timer);
        this.#answers.delete(id);
        reject(cause);
      }
    });
    if (answer.error !== undefined) throw new GuestError("REFUSED", `${command}: ${answer.error.desc}`);
  }

  close(): void {
    this.#lines.close();
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const message = parseJson(messageSchema, await this.#lines.next(2 ** 31 - 1), MAX_LINE);
        if (message.event !== undefined) this.#onEvent(message.event, message.data ?? {});
        else if (message.id !== undefined) this.#answer(message.id, message);
      }
    } catch (cause) {
      this.#lines.close();
      const desc = cause instanceof Error ? cause.message : "QEMU's monitor closed";
      for (const id of [...this.#answers.keys()]) this.#answer(id, { id, error: { class: "Closed", desc } });
    }
  }

  #answer(id: number, message: Message): void {
    const take = this.#answers.get(id);
    this.#answers.delete(id);
    take?.(message);
  }
}
