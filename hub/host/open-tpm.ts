import { open } from "node:fs/promises";
import { connect } from "node:net";
import { exchangeByFile, exchangeBySocket, type TransportFailure } from "../../proto/tpm/exchange.ts";
import { TpmError } from "../../proto/tpm/tpm-error.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";

/** The kernel's resource manager: where an image's TPM is. */
export const DEFAULT_TPM = "/dev/tpmrm0";

const ANSWER_MS = 30_000;

const failure: TransportFailure = (message, cause) => new TpmError("TRANSPORT", message, { cause });

/** A TPM for as long as `work` takes: `/dev/…`, or `unix:/path` of a software TPM for tests. Rejects with what `work` or the system threw. */
export async function withTpm<T>(spec: string, work: (transport: TpmTransport) => Promise<T>): Promise<T> {
  const path = /^unix:(\/.+)$/.exec(spec)?.[1];
  if (path !== undefined) return await work({ send: (command) => exchangeBySocket(connect(path), command, { name: "the TPM", timeoutMs: ANSWER_MS, failure }) });
  const device = await open(spec, "r+").catch((cause: unknown) => {
    throw failure(`can't open the TPM at ${spec}`, cause);
  });
  try {
    return await work({ send: (command) => exchangeByFile(device, command, failure) });
  } finally {
    await device.close();
  }
}
