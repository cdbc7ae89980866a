import { connect, type NetConnectOpts, type Socket } from "node:net";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { isWholeResponse } from "../../proto/tpm/is-whole-response.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { AgentError } from "../error.ts";
import { createSerialize } from "../serialize.ts";

/** A TPM behind a stream socket that speaks bare TPM commands (swtpm `--server`): for tests, never in an image. */
export async function openTpmSocket(address: NetConnectOpts): Promise<TpmTransport> {
  const socket = await connected(address);
  const serialize = createSerialize();
  return { send: (command) => serialize(() => exchange(socket, command)) };
}

function connected(address: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    // A test's TPM must not keep the process alive.
    socket.unref();
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) => reject(new AgentError("TPM_MISSING", "can't reach the TPM's socket", { cause })));
  });
}

function exchange(socket: Socket, command: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new AgentError("TPM_MISSING", "the TPM's socket is closed"));
    let got: Uint8Array = new Uint8Array(0);
    const end = (finish: () => void): void => {
      socket.off("data", onData).off("close", onClose).unref();
      finish();
    };
    const onClose = (): void => end(() => reject(new AgentError("TPM_MISSING", "the TPM closed its socket")));
    const onData = (chunk: Uint8Array): void => {
      got = concatBytes(got, chunk);
      try {
        if (isWholeResponse(got)) end(() => resolve(got));
      } catch (cause) {
        end(() => reject(new AgentError("TPM_MISSING", "the TPM's socket gives no response", { cause })));
        socket.destroy();
      }
    };
    socket.ref().on("data", onData).on("close", onClose);
    socket.write(command);
  });
}
