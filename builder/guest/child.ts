import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { GuestError } from "./guest-error.ts";
import type { Argv } from "../toolchain/run-host.ts";

/** A long-running program of ours, ended by {@link Child.stop} or by our own end (bubblewrap's --die-with-parent). */
export class Child {
  readonly name: string;
  /** Settles when it is gone, with what it ended with. Never rejects. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  #running = true;

  /** Starts it with standard output and error appended to `logFile`. */
  constructor(name: string, argv: Argv, logFile: string) {
    this.name = name;
    const log = openSync(logFile, "a", 0o600);
    try {
      const [file, ...args] = argv;
      // A process group of its own: a terminal's Ctrl-C is ours to answer, and what it started is ended with it.
      this.#process = spawn(file, args, { stdio: ["ignore", log, log], env: { PATH: process.env["PATH"], LC_ALL: "C" }, detached: true });
    } finally {
      closeSync(log);
    }
    this.exited = new Promise((resolve) => {
      const done = (how: string): void => {
        this.#running = false;
        resolve(how);
      };
      this.#process.once("error", (cause) => done(`could not be started: ${cause.message}`));
      this.#process.once("exit", (code, signal) => done(code === null ? `signal ${signal ?? "?"}` : `exit code ${code}`));
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** Waits `graceMs` for an end that is under way, then SIGTERM, then SIGKILL; returns when it is gone. */
  async stop(graceMs: number): Promise<void> {
    for (const [signal, wait] of [[undefined, graceMs], ["SIGTERM", 2000], ["SIGKILL", 5000]] as const) {
      if (signal !== undefined && this.#running) this.#kill(signal);
      if (await endsWithin(this.exited, wait)) return;
    }
    throw new GuestError("TIMEOUT", `${this.name} can't be ended`);
  }

  /** The whole group: bubblewrap that is ended in its first moments leaves a child behind, which doesn't yet die with its parent. */
  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Gone already.
    }
  }
}

async function endsWithin(exited: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([exited.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
