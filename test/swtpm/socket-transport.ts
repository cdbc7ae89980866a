import { connect } from "node:net";
import type { TpmTransport } from "../../proto/tpm/transport.ts";

/**
 * Raw TPM packets over a Unix socket of swtpm. Each command has a connection of its own, so that tpm2-tools can use the
 * same TPM in between: swtpm serves one client at a time, and keeps loaded objects when it goes.
 */
export function socketTransport(path: string): TpmTransport {
  return { send: (command) => exchange(path, command) };
}

function exchange(path: string, command: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let response = Buffer.alloc(0);
    socket.on("connect", () => socket.write(command));
    socket.on("data", (data: Buffer) => {
      response = Buffer.concat([response, data]);
      if (response.length < 6 || response.length < response.readUInt32BE(2)) return;
      resolve(new Uint8Array(response));
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("swtpm closed the connection before its response was whole")));
  });
}
