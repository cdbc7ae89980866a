import { type FileHandle, open } from "node:fs/promises";
import { connect } from "node:net";
import { isWholeResponse, MAX_RESPONSE_BYTES } from "../../proto/tpm/is-whole-response.ts";
import { TpmError } from "../../proto/tpm/tpm-error.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";

/** The kernel's resource manager: where an image's TPM is. */
export const DEFAULT_TPM = "/dev/tpmrm0";

const ANSWER_MS = 30_000;

/** A TPM for as long as `work` takes: `/dev/…`, or `unix:/path` of a software TPM for tests. Rejects with what `work` or the system threw. */
export async function withTpm<T>(spec: string, work: (transport: TpmTransport) => Promise<T>): Promise<T> {
  const path = /^unix:(\/.+)$/.exec(spec)?.[1];
  if (path !== undefined) return await work({ send: (command) => exchange(path, command) });
  const device = await open(spec, "r+").catch((cause: unknown) => {
    throw new TpmError("TRANSPORT", `can't open the TPM at ${spec}`, { cause });
  });
  try {
    return await work(deviceTransport(device));
  } finally {
    await device.close();
  }
}

/** Without O_NONBLOCK the kernel runs the command within write(2) and hands out the whole response by one read(2). */
function deviceTransport(device: FileHandle): TpmTransport {
  return {
    send: async (command) => {
      // Position null: a TPM can't seek, so no pread or pwrite.
      const { bytesWritten } = await device.write(command, 0, command.length, null);
      if (bytesWritten !== command.length) throw new TpmError("TRANSPORT", "the TPM took half a command");
      const { bytesRead, buffer } = await device.read(new Uint8Array(MAX_RESPONSE_BYTES), 0, MAX_RESPONSE_BYTES, null);
      return buffer.subarray(0, bytesRead);
    },
  };
}

/** One command over a connection of its own, as a software TPM serves one client at a time. */
function exchange(path: string, command: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let got: Uint8Array = new Uint8Array(0);
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy();
      reject(new TpmError("TRANSPORT", message, { cause }));
    };
    socket.setTimeout(ANSWER_MS, () => fail("the TPM did not answer in time"));
    socket.once("error", (cause) => fail("the TPM's socket can't be reached", cause));
    socket.once("close", () => fail("the TPM closed its socket"));
    socket.on("data", (chunk: Uint8Array) => {
      got = concatBytes(got, chunk);
      try {
        if (!isWholeResponse(got)) return;
      } catch (cause) {
        return fail("the TPM's socket gives no response", cause);
      }
      socket.removeAllListeners("close").destroy();
      resolve(got);
    });
    socket.write(command);
  });
}
