import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { PATHS } from "../paths.ts";
import type { Dial, Ports } from "../ports.ts";
import { systemClock } from "./clock.ts";
import { createFiles } from "./files.ts";
import { kernelForks } from "./kernel-forks.ts";
import { openClient } from "./open-client.ts";
import { createRunner } from "./runner.ts";
import { systemTcpProbe } from "./tcp-probe.ts";

/** Where the real ports are. */
export interface HostOptions {
  /** "/" in an image. Elsewhere files AND programs are those under it, so that a test can't change its host by mistake. */
  readonly root: string;
  readonly tpm: string;
}

/** The real world. */
export function createPorts({ root, tpm }: HostOptions): Ports {
  const under = root === "/" ? "" : root;
  // Synchronous: the line before a power-off must be out.
  const log = { line: (text: string) => void writeSync(1, `kubedos: ${text}\n`) };
  return {
    runner: createRunner({ path: ["/usr/sbin", "/usr/bin"].map((folder) => `${under}${folder}`).join(":"), memory: `${under}/run/kubedos` }),
    files: createFiles(root),
    clock: systemClock,
    entropy: { bytes: (n) => new Uint8Array(randomBytes(n)) },
    log,
    tcp: systemTcpProbe,
    hub: {
      // gRPC and the certificate library are the larger half of the program: loaded when they are needed.
      async prepare() {
        // After the caller's own work is under way.
        await new Promise((resolve) => setImmediate(resolve));
        await import("./grpc-connector.ts").then((connector) => connector.grpcConnector.prepare());
      },
      dial: async (dial: Dial, signal: AbortSignal) => await (await import("./grpc-connector.ts")).grpcConnector.dial(dial, signal),
    },
    forks: kernelForks(`${under}${PATHS.kernelLog}`, log),
    openTpm: () => openClient(tpm),
  };
}
