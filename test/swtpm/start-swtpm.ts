import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { tpmSocket } from "../../builder/guest/tpm-socket.ts";

/** A software TPM that runs for a test. */
export interface Swtpm {
  readonly transport: TpmTransport;
  /** Unix socket that takes raw TPM packets, one client at a time; its control channel is `socketPath`.ctrl. */
  readonly socketPath: string;
  /** For tpm2-tools: `-T` or TPM2TOOLS_TCTI. */
  readonly tcti: string;
  readonly stateDir: string;
  /** Ends the process and removes what was made for it; a state folder of the caller's stays. */
  stop(): Promise<void>;
}

/**
 * Starts `swtpm socket` from PATH with an empty TPM, or with the state of an earlier one in `stateDir`, sends Startup by
 * itself, and resolves when the socket is there. Rejects, with what swtpm wrote, when it ends early.
 */
export async function startSwtpm(options: { readonly stateDir?: string } = {}): Promise<Swtpm> {
  const dir = await mkdtemp(join(tmpdir(), "kubedos-swtpm-"));
  const stateDir = options.stateDir ?? dir;
  const socketPath = join(dir, "tpm.sock");
  const child = spawn(
    "swtpm",
    [
      "socket",
      "--tpm2",
      "--tpmstate",
      `dir=${stateDir}`,
      "--server",
      `type=unixio,path=${socketPath}`,
      "--ctrl",
      `type=unixio,path=${socketPath}.ctrl`,
      "--flags",
      "not-need-init,startup-clear",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "exit").catch((cause: unknown) => cause);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  let running = true;
  void ended.then(() => (running = false));
  for (let tries = 0; tries < 500; tries++) {
    if (!running) break;
    if (await accepts(socketPath)) {
      return { transport: tpmSocket(socketPath), socketPath, tcti: `swtpm:path=${socketPath}`, stateDir, stop };
    }
    await sleep(10);
  }
  await stop();
  throw new Error(`swtpm from PATH did not start: ${said.trim() || "it wrote nothing (is it installed?)"}`);
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
