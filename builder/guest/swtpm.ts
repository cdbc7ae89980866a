import { mkdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { toolchainArgv } from "../toolchain/toolchain-argv.ts";
import type { Argv } from "../toolchain/run-host.ts";
import { Child } from "./child.ts";
import { GuestError } from "./guest-error.ts";

/**
 * Who talks to the vTPM. direct: we do, raw TPM commands over one connection to `socket`, TPM2_Startup included. qemu:
 * QEMU does, through the control channel at `socket`. One state folder serves both, one after the other.
 */
export type SwtpmMode = "direct" | "qemu";

/** A vTPM to start. */
export interface SwtpmRequest {
  /** Holds the TPM's seeds (its identity) and its NV memory; made when absent, mode 0700. */
  readonly stateDir: string;
  readonly mode: SwtpmMode;
  /** Socket to make; at most 107 bytes. */
  readonly socket: string;
  readonly logFile: string;
  readonly signal?: AbortSignal;
}

/** A running vTPM. */
export interface Swtpm {
  readonly socket: string;
  readonly exited: Promise<string>;
  /** Ends it; its state is on disk after every command. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const MAX_SOCKET_PATH = 107; // sockaddr_un

/** swtpm's command line for a request; pure. */
export function swtpmArgv(request: Omit<SwtpmRequest, "logFile" | "signal">): Argv {
  const common = ["swtpm", "socket", "--tpm2", "--tpmstate", `dir=${request.stateDir},mode=0600`] as const;
  return request.mode === "qemu"
    ? [...common, "--ctrl", `type=unixio,path=${request.socket},mode=0600`, "--flags", "startup-clear"]
    : [...common, "--server", `type=unixio,path=${request.socket},mode=0600`, "--flags", "not-need-init"];
}

/** Starts swtpm in the toolchain and waits for its socket. Throws GuestError. */
export async function startSwtpm(tc: Toolchain, request: SwtpmRequest): Promise<Swtpm> {
  if (Buffer.byteLength(request.socket) > MAX_SOCKET_PATH) {
    throw new GuestError("NOT_STARTED", `the socket's path is longer than ${MAX_SOCKET_PATH} bytes: ${request.socket}`);
  }
  await mkdir(request.stateDir, { recursive: true, mode: 0o700 });
  await rm(request.socket, { force: true });
  const binds = [request.stateDir, join(request.socket, "..")];
  const child = new Child("swtpm", toolchainArgv(tc, swtpmArgv(request), { binds }), request.logFile);
  try {
    await untilExists(request.socket, child, START_TIMEOUT_MS, request.signal);
    // Between bind and listen the file is there and nobody answers; QEMU asks much later.
    if (request.mode === "direct") await until(() => answers(request.socket), child, START_TIMEOUT_MS, request.signal);
  } catch (cause) {
    await child.stop(0);
    throw cause;
  }
  return {
    socket: request.socket,
    exited: child.exited,
    stop: async () => {
      await child.stop(0);
      await rm(request.socket, { force: true });
    },
  };
}

/** Waits for a file that `child` makes. Throws GuestError when it ends first, or takes too long. */
export async function untilExists(path: string, child: Child, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  await until(() => existsSync(path), child, timeoutMs, signal);
}

async function until(done: () => boolean | Promise<boolean>, child: Child, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await done())) {
    if (signal?.aborted === true) throw new GuestError("ABORTED", `stopped while ${child.name} was starting`);
    if (!child.running) throw new GuestError("NOT_STARTED", `${child.name} ended at once (${await child.exited}); its log says why`);
    if (Date.now() > end) throw new GuestError("TIMEOUT", `${child.name} did not start within ${timeoutMs / 1000} s`);
    await sleep(20);
  }
}

/** Whether somebody takes connections at a socket. */
async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    return await new Promise((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
  } finally {
    socket.destroy();
  }
}
