import { open } from "node:fs/promises";
import { exchangeByFile, type TransportFailure } from "../../proto/tpm/exchange.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { AgentError } from "../error.ts";
import { createSerialize } from "../serialize.ts";

/**
 * A kernel TPM device (`/dev/tpmrm0`). Reads and writes run on a worker thread, so the event loop stays free. The
 * resource manager flushes our objects when the file is closed, however the agent ends.
 */
export async function openTpmDevice(path: string): Promise<TpmTransport> {
  const failure: TransportFailure = (message, cause) => new AgentError("TPM_MISSING", message, { cause });
  const device = await open(path, "r+").catch((cause: unknown) => {
    throw failure(`can't open the TPM at ${path}`, cause);
  });
  const serialize = createSerialize();
  return { send: (command) => serialize(() => exchangeByFile(device, command, failure)) };
}
