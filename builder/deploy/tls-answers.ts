import { connect } from "node:tls";

const TIMEOUT_MS = 5_000;

/**
 * Whether somebody speaks TLS at a port, and nothing more: QEMU takes connections to a forwarded port also while the
 * guest behind it doesn't listen. Who it is, the operator's CLI verifies.
 */
export function tlsAnswers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, minVersion: "TLSv1.3", timeout: TIMEOUT_MS });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("secureConnect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
    socket.once("close", () => end(false));
  });
}
