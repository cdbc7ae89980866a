import { open } from "node:fs/promises";
import { MAX_RESPONSE_BYTES } from "../../proto/tpm/is-whole-response.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { AgentError } from "../error.ts";
import { createSerialize } from "../serialize.ts";

/**
 * A kernel TPM device (`/dev/tpmrm0`). Without O_NONBLOCK the kernel runs the command within write(2) and hands out the
 * whole response by one read(2), so no polling is needed; both run on a worker thread and the event loop stays free. The
 * resource manager flushes our objects when the file is closed, however the agent ends.
 */
export async function openTpmDevice(path: string): Promise<TpmTransport> {
  let device: Awaited<ReturnType<typeof open>>;
  try {
    device = await open(path, "r+");
  } catch (cause) {
    throw new AgentError("TPM_MISSING", `can't open the TPM at ${path}`, { cause });
  }
  const serialize = createSerialize();
  return {
    send: (command) =>
      serialize(async () => {
        // Position null: a TPM can't seek, so no pread or pwrite.
        const { bytesWritten } = await device.write(command, 0, command.length, null);
        if (bytesWritten !== command.length) throw new AgentError("TPM_MISSING", "the TPM took half a command");
        const { bytesRead, buffer } = await device.read(new Uint8Array(MAX_RESPONSE_BYTES), 0, MAX_RESPONSE_BYTES, null);
        return buffer.subarray(0, bytesRead);
      }),
  };
}
