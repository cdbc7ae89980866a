import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { GuestError } from "./guest-error.ts";

interface Waiter {
  readonly resolve: (line: Uint8Array) => void;
  readonly reject: (error: GuestError) => void;
}

/**
 * A unix socket that speaks one JSON text a line: QMP and the guest agent. What arrives may be written by a hostile guest:
 * lines longer than `maxLine` bytes end the connection, and at most `MAX_QUEUED` lines wait to be read.
 */
export class JsonLines {
  readonly #socket: Socket;
  readonly #maxLine: number;
  readonly #lines: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  #rest = Buffer.alloc(0);
  #failure: GuestError | undefined;

  private constructor(socket: Socket, maxLine: number) {
    this.#socket = socket;
    this.#maxLine = maxLine;
    socket.on("data", (data: Buffer) => this.#take(data));
    socket.on("error", (cause) => this.#end(new GuestError("CLOSED", "the socket failed", { cause })));
    socket.on("close", () => this.#end(new GuestError("CLOSED", "the other side closed the socket")));
  }

  /** Connects to a listening socket. Throws GuestError CLOSED. */
  static async connect(path: string, maxLine: number): Promise<JsonLines> {
    const socket = createConnection({ path });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (cause) => reject(new GuestError("CLOSED", `nothing listens at ${path}`, { cause })));
    });
    return new JsonLines(socket, maxLine);
  }

  /** Sends `before`, then the value as one line. */
  send(value: unknown, before: Uint8Array = new Uint8Array()): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#socket.write(Buffer.concat([before, Buffer.from(`${JSON.stringify(value)}\n`, "utf8")]));
  }

  /** The next line, without its end. Throws GuestError TIMEOUT, ABORTED, or what ended the connection. */
  async next(timeoutMs: number, signal?: AbortSignal): Promise<Uint8Array> {
    const ready = this.#lines.shift();
    if (ready !== undefined) return ready;
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
      };
      const waiter: Waiter = {
        resolve: (line) => (settle(), resolve(line)),
        reject: (error) => (settle(), reject(error)),
      };
      const abort = (): void => waiter.reject(new GuestError("ABORTED", "stopped while waiting for an answer"));
      const timer = setTimeout(() => waiter.reject(new GuestError("TIMEOUT", `no answer within ${timeoutMs / 1000} s`)), timeoutMs);
      if (signal?.aborted === true) return abort();
      signal?.addEventListener("abort", abort);
      this.#waiters.push(waiter);
    });
  }

  close(): void {
    this.#end(new GuestError("CLOSED", "the socket was closed"));
  }

  #take(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let end = this.#rest.indexOf(0x0a); end >= 0; end = this.#rest.indexOf(0x0a)) {
      const line = this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end + 1);
      if (line.length > this.#maxLine) return this.#end(tooLong(this.#maxLine));
      const waiter = this.#waiters[0];
      if (waiter !== undefined) waiter.resolve(line);
      else if (this.#lines.push(line) > MAX_QUEUED) return this.#end(new GuestError("TOO_LARGE", "the other side sends without being asked"));
    }
    if (this.#rest.length > this.#maxLine) this.#end(tooLong(this.#maxLine));
  }

  #end(error: GuestError): void {
    this.#failure ??= error;
    this.#socket.destroy();
    for (const waiter of [...this.#waiters]) waiter.reject(this.#failure);
  }
}

const MAX_QUEUED = 256;

function tooLong(max: number): GuestError {
  return new GuestError("TOO_LARGE", `a line of more than ${max} bytes`);
}
