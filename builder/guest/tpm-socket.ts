import { connect } from "node:net";
import { exchangeBySocket } from "../../proto/tpm/exchange.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { GuestError } from "./guest-error.ts";

const TIMEOUT_MS = 30_000;

/**
 * Bare TPM packets over a unix socket of swtpm (mode `direct`), a connection for each command: swtpm serves one client at
 * a time and keeps what is loaded when it goes. Rejects with GuestError.
 */
export function tpmSocket(path: string): TpmTransport {
  const failure = (message: string, cause?: unknown): GuestError => new GuestError("BAD_REPLY", message, { cause });
  return { send: (command) => exchangeBySocket(connect(path), command, { name: "the vTPM", timeoutMs: TIMEOUT_MS, failure }) };
}
