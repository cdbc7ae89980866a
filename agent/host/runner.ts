import { closeSync, constants, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Argv, Runner } from "../ports.ts";
import { AgentError } from "../error.ts";

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Where programs are, and where their input may lie in memory. */
export interface RunnerOptions {
  /** Folders with programs, as in PATH; no others are searched. */
  readonly path: string;
  /** A folder on a tmpfs that root alone can write. */
  readonly memory: string;
  /** Default: 30 s. */
  readonly timeoutMs?: number;
}

/**
 * Runs programs with nothing but a fixed environment. execa is loaded at the first command: the agent measures itself
 * before it needs one.
 */
export function createRunner({ path, memory, timeoutMs = TIMEOUT_MS }: RunnerOptions): Runner {
  let count = 0;
  return {
    async run([file, ...args]: Argv, stdin = "", accepted: readonly number[] = [0]): Promise<string> {
      const { execa } = await import("execa");
      const input = namelessFile(join(memory, `.stdin-${process.pid}-${count++}`), stdin);
      try {
        const result = await execa(file, args, {
          // execa takes any descriptor; its types name 0 alone.
          stdin: input as 0,
          env: { PATH: path, LC_ALL: "C" },
          extendEnv: false,
          timeout: timeoutMs,
          // A signal to the agent is the agent's: execa would end the process after killing what runs.
          cleanup: false,
          reject: false,
          stripFinalNewline: false,
          maxBuffer: MAX_OUTPUT_BYTES,
        });
        if (!result.failed || (result.exitCode !== undefined && accepted.includes(result.exitCode))) return result.stdout;
        const said = result.stderr.trim().slice(0, 400);
        const why = result.exitCode === undefined ? (result.originalMessage ?? "could not start") : `exit code ${result.exitCode}`;
        throw new AgentError("COMMAND_FAILED", `${[file, ...args].join(" ")}: ${why}${said === "" ? "" : `, ${said}`}`);
      } finally {
        closeSync(input);
      }
    },
  };
}

/**
 * Standard input as a file without a name. Both runtimes make their pipes from sockets, and a program that opens
 * `/dev/stdin` by name, as `wg` does for keys, can't open a socket again (ENXIO); nor does a file break when the program
 * ends without reading it. Synchronous: it lies in memory, and the program starts before this one turns to other work.
 */
function namelessFile(path: string, text: string): number {
  const create = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  mkdirSync(join(path, ".."), { recursive: true });
  const file = openSync(path, create, 0o600);
  unlinkSync(path);
  const data = Buffer.from(text);
  // At position 0: the offset that the program inherits stays at the beginning.
  for (let at = 0; at < data.length; ) at += writeSync(file, data, at, data.length - at, at);
  return file;
}
