import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { boundArgv } from "../fakes/bound-argv.ts";
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

/** One whose process is ours. */
export interface OwnSwtpm extends Swtpm {
  /** The same as {@link Swtpm.stop} by a power cut: the TPM is told nothing. */
  cutPower(): Promise<void>;
}

/**
 * Starts `swtpm socket` from PATH with an empty TPM, or with the state of an earlier one in `stateDir`, sends Startup by
 * itself, and resolves when the socket is there. It doesn't outlive this process. Rejects, with what swtpm wrote, when it ends early.
 */
export async function startSwtpm(options: { readonly stateDir?: string } = {}): Promise<OwnSwtpm> {
  const dir = await mkdtemp(join(tmpdir(), "kubedos-swtpm-"));
  const stateDir = options.stateDir ?? dir;
  const socketPath = join(dir, "tpm.sock");
  const sockets = ["--server", `type=unixio,path=${socketPath}`, "--ctrl", `type=unixio,path=${socketPath}.ctrl`] as const;
  const [file, ...args] = boundArgv(["swtpm", "socket", "--tpm2", "--tpmstate", `dir=${stateDir}`, ...sockets, "--flags", "not-need-init,startup-clear"]);
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "exit").catch((cause: unknown) => cause);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  const stop = (): Promise<void> => end("SIGTERM");
  let running = true;
  void ended.then(() => (running = false));
  for (let tries = 0; tries < 500; tries++) {
    if (!running) break;
    if (await accepts(socketPath)) {
      return { transport: tpmSocket(socketPath), socketPath, tcti: `swtpm:path=${socketPath}`, stateDir, stop, cutPower: () => end("SIGKILL") };
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
