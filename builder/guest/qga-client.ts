import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { GuestError } from "./guest-error.ts";
import { JsonLines } from "./json-lines.ts";

const CHUNK = 48 * 1024; // the agent refuses more than 48 MB, and reads its requests in one line
const MAX_LINE = 128 * 1024;
const CALL_TIMEOUT_MS = 10_000;
const SYNC_TIMEOUT_MS = 1000;
const SENTINEL = new Uint8Array([0xff]);

const replySchema = z.object({
  return: z.unknown().optional(),
  error: z.object({ class: z.string().max(100), desc: z.string().max(1000) }).optional(),
});
const handleSchema = z.int();
const readSchema = z.object({ count: z.int().nonnegative(), "buf-b64": z.string(), eof: z.boolean() });
const writeSchema = z.object({ count: z.int().nonnegative(), eof: z.boolean() });

/**
 * Talks to the QEMU guest agent over its host socket. The guest's answers are untrusted: bounded, and checked by schema.
 * Files are read and written one after the other, in sync with the agent: a guest that was reset is found again. Throws GuestError; REFUSED is the agent's own no.
 */
export class QgaClient {
  readonly #path: string;
  #lines: JsonLines | undefined;
  /** The last whole-file operation that was asked for; the next one waits for it. */
  #busy: Promise<unknown> = Promise.resolve();

  /** `path`: the socket that QEMU listens on. Nothing is opened yet. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Waits until the agent in the guest answers: sends guest-sync-delimited with a fresh number until that number comes
   * back, so that whatever an earlier talk left in the pipe is skipped.
   */
  async sync(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const end = Date.now() + timeoutMs;
    let last: unknown;
    while (Date.now() < end) {
      try {
        if (await this.#trySync(Math.min(SYNC_TIMEOUT_MS, Math.max(1, end - Date.now())), signal)) return;
      } catch (cause) {
        this.close();
        if (!(cause instanceof GuestError) || cause.code === "ABORTED") throw cause;
        last = cause;
        await pause(Math.min(200, Math.max(1, end - Date.now())), signal);
      }
    }
    this.close();
    throw new GuestError("TIMEOUT", `the guest agent did not answer within ${timeoutMs / 1000} s`, { cause: last });
  }

  /** Returns once the agent answered. */
  async ping(signal?: AbortSignal): Promise<void> {
    await this.call("guest-ping", {}, z.unknown(), signal);
  }

  /** Writes a whole file in the guest. */
  async writeFile(path: string, data: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#withFile(path, "w", signal, async (handle) => {
      for (let at = 0; at < data.length; ) {
        const chunk = data.subarray(at, at + CHUNK);
        const { count } = await this.call("guest-file-write", { handle, "buf-b64": toBase64(chunk) }, writeSchema, signal);
        if (count < 1 || count > chunk.length) throw new GuestError("BAD_REPLY", `the guest says it wrote ${count} bytes`);
        at += count;
      }
      await this.call("guest-file-flush", { handle }, z.unknown(), signal);
    });
  }

  /** Reads a whole file of the guest, at most `max` bytes; TOO_LARGE beyond. */
  async readFile(path: string, max: number, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#withFile(path, "r", signal, async (handle) => {
      const parts: Uint8Array[] = [];
      for (let total = 0; ; ) {
        const part = await this.call("guest-file-read", { handle, count: CHUNK }, readSchema, signal);
        const data = part["buf-b64"] === "" ? new Uint8Array() : fromBase64(part["buf-b64"]);
        total += data.length;
        if (total > max) throw new GuestError("TOO_LARGE", `${path} in the guest has more than ${max} bytes`);
        parts.push(data);
        if (part.eof) return new Uint8Array(Buffer.concat(parts));
        if (data.length === 0) throw new GuestError("BAD_REPLY", `${path} in the guest neither ends nor goes on`);
      }
    });
  }

  /** One command with its arguments; the answer must have this shape. For the calls above and for tests of the guest. */
  async call<T extends z.ZodType>(execute: string, args: object, schema: T, signal?: AbortSignal): Promise<z.output<T>> {
    const lines = this.#lines;
    if (lines === undefined) throw new GuestError("CLOSED", "not in sync with the guest agent");
    lines.send({ execute, arguments: args });
    let line: Uint8Array;
    try {
      line = await lines.next(CALL_TIMEOUT_MS, signal);
    } catch (cause) {
      this.close(); // a late answer must not be taken for the next one's
      throw cause;
    }
    const reply = parse(replySchema, line);
    if (reply.error !== undefined) throw new GuestError("REFUSED", `${execute}: ${reply.error.class}: ${reply.error.desc}`);
    const result = schema.safeParse(reply.return);
    if (!result.success) throw new GuestError("BAD_REPLY", `the guest agent answered ${execute} with something else`);
    return result.data;
  }

  close(): void {
    this.#lines?.close();
    this.#lines = undefined;
  }

  async #trySync(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    this.#lines ??= await JsonLines.connect(this.#path, MAX_LINE);
    const id = randomInt(1, 2 ** 31);
    this.#lines.send({ execute: "guest-sync-delimited", arguments: { id } }, SENTINEL);
    const end = Date.now() + timeoutMs;
    while (Date.now() < end) {
      let line: Uint8Array;
      try {
        line = await this.#lines.next(Math.max(1, end - Date.now()), signal);
      } catch (cause) {
        if (cause instanceof GuestError && cause.code === "TIMEOUT") return false;
        throw cause;
      }
      const from = line.lastIndexOf(0xff) + 1;
      try {
        if (parse(replySchema, line.subarray(from)).return === id) return true;
      } catch {
        continue; // left over from an earlier talk
      }
    }
    return false;
  }

  #withFile<T>(path: string, mode: "r" | "w", signal: AbortSignal | undefined, use: (handle: number) => Promise<T>): Promise<T> {
    const result = this.#busy.then(() => this.#useFile(path, mode, signal, use));
    this.#busy = result.catch(() => undefined);
    return result;
  }

  async #useFile<T>(path: string, mode: "r" | "w", signal: AbortSignal | undefined, use: (handle: number) => Promise<T>): Promise<T> {
    if (this.#lines === undefined) await this.sync(SYNC_TIMEOUT_MS, signal);
    const handle = await this.call("guest-file-open", { path, mode }, handleSchema, signal);
    try {
      return await use(handle);
    } finally {
      if (this.#lines !== undefined) await this.call("guest-file-close", { handle }, z.unknown()).catch(() => undefined);
    }
  }
}

function parse<T extends z.ZodType>(schema: T, line: Uint8Array): z.output<T> {
  try {
    return parseJson(schema, line, MAX_LINE);
  } catch (cause) {
    throw new GuestError("BAD_REPLY", "the guest agent's answer is malformed", { cause });
  }
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {
    throw new GuestError("ABORTED", "stopped while waiting for the guest agent");
  });
}
