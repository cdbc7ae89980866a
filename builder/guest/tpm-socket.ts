import { connect } from "node:net";
import { isWholeResponse } from "../../proto/tpm/is-whole-response.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { GuestError } from "./guest-error.ts";

const TIMEOUT_MS = 30_000;

/**
 * Bare TPM packets over a unix socket of swtpm (mode `direct`), a connection for each command: swtpm serves one client at
 * a time and keeps what is loaded when it goes. Rejects with GuestError.
 */
export function tpmSocket(path: string): TpmTransport {
  return { send: (command) => exchange(path, command) };
}

function exchange(path: string, command: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let got: Uint8Array = new Uint8Array(0);
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy();
      reject(new GuestError("BAD_REPLY", message, { cause }));
    };
    socket.setTimeout(TIMEOUT_MS, () => fail("the vTPM did not answer in time"));
    socket.once("error", (cause) => fail("the vTPM can't be reached", cause));
    socket.once("close", () => fail("the vTPM closed its socket"));
    socket.on("data", (chunk) => {
      got = concatBytes(got, chunk);
      try {
        if (!isWholeResponse(got)) return;
      } catch (cause) {
        return fail("the vTPM's socket gives no response", cause);
      }
      socket.removeAllListeners("close").destroy();
      resolve(got);
    });
    socket.write(command);
  });
}
