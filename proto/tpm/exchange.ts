import { concatBytes } from "../wire/bytes.ts";
import { isWholeResponse, MAX_RESPONSE_BYTES } from "./is-whole-response.ts";

/** Makes the caller's own error of what went wrong. */
export type TransportFailure = (message: string, cause?: unknown) => Error;

/** What of a file is needed: node's FileHandle has it. Position null: a TPM can't seek, so no pread or pwrite. */
export interface DeviceFile {
  write(data: Uint8Array, offset: number, length: number, position: null): Promise<{ readonly bytesWritten: number }>;
  read(buffer: Uint8Array, offset: number, length: number, position: null): Promise<{ readonly bytesRead: number; readonly buffer: Uint8Array }>;
}

/**
 * One command through a kernel TPM device. Without O_NONBLOCK the kernel runs it within write(2) and hands out the whole response by one
 * read(2), so no polling is needed.
 */
export async function exchangeByFile(device: DeviceFile, command: Uint8Array, failure: TransportFailure): Promise<Uint8Array> {
  const { bytesWritten } = await device.write(command, 0, command.length, null);
  if (bytesWritten !== command.length) throw failure("the TPM took half a command");
  const { bytesRead, buffer } = await device.read(new Uint8Array(MAX_RESPONSE_BYTES), 0, MAX_RESPONSE_BYTES, null);
  return buffer.subarray(0, bytesRead);
}

/** What of a stream socket is needed: node's Socket has it. */
export interface CommandSocket {
  setTimeout(ms: number, listener: () => void): unknown;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  once(event: "error" | "close", listener: (cause?: unknown) => void): unknown;
  removeAllListeners(event: "close"): unknown;
  write(data: Uint8Array): unknown;
  destroy(): unknown;
}

/**
 * One command over a connection of its own, which ends with it: a software TPM serves one client at a time, and keeps what is loaded when he
 * goes. `name` is what the TPM is called in errors.
 */
export function exchangeBySocket(
  socket: CommandSocket,
  command: Uint8Array,
  options: { readonly name: string; readonly timeoutMs: number; readonly failure: TransportFailure },
): Promise<Uint8Array> {
  const { name, timeoutMs, failure } = options;
  return new Promise((resolve, reject) => {
    let got: Uint8Array = new Uint8Array(0);
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy();
      reject(failure(`${name} ${message}`, cause));
    };
    socket.setTimeout(timeoutMs, () => fail("did not answer in time"));
    socket.once("error", (cause) => fail("can't be reached", cause));
    socket.once("close", () => fail("closed its socket"));
    socket.on("data", (chunk) => {
      got = concatBytes(got, chunk);
      try {
        if (!isWholeResponse(got)) return;
      } catch (cause) {
        return fail("gives no response", cause);
      }
      socket.removeAllListeners("close");
      socket.destroy();
      resolve(got);
    });
    socket.write(command);
  });
}
