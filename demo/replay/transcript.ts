import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Ended, runInTerminal, runProgram } from "../programs.ts";

const PROGRAM = "kubedos-hub";

/** Runs the operator's CLI as a user would, and shows each command line with what came of it; on stdout. */
export class Transcript {
  readonly #connection: readonly string[];
  readonly #signal: AbortSignal;

  constructor(connection: readonly string[], signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
  }

  /** A command that asks the hub. */
  async hub(argv: readonly string[]): Promise<Ended> {
    return await this.local([...argv, ...this.#connection]);
  }

  /** A command that needs no hub. */
  async local(argv: readonly string[]): Promise<Ended> {
    showCommand(argv);
    const ended = await runProgram(PROGRAM, argv, this.#signal);
    show(ended.stdout);
    show(ended.stderr);
    if (ended.code !== 0) show(`(exit code ${ended.code})`);
    return ended;
  }

  /** A command whose question is answered at a terminal of its own. */
  async terminal(argv: readonly string[], question: RegExp, answer: string): Promise<Ended> {
    const whole = [...argv, ...this.#connection];
    showCommand(whole);
    const ended = await runInTerminal(whole, question, () => answer, this.#signal);
    show(ended.stdout);
    if (ended.code !== 0) show(`(exit code ${ended.code})`);
    return ended;
  }

  /** The same for programs: JSON of a call that must succeed, unseen. */
  async json<T>(argv: readonly string[]): Promise<T> {
    const ended = await runProgram(PROGRAM, [...argv, "-o", "json", ...this.#connection], this.#signal);
    if (ended.code !== 0) throw new Error(`${PROGRAM} ${argv.join(" ")} ended with ${ended.code}: ${ended.stderr.trim()}`);
    return JSON.parse(ended.stdout) as T;
  }
}

/** A sentence between the commands. */
export function note(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

function showCommand(argv: readonly string[]): void {
  process.stdout.write(`\n$ ${[`bin/${PROGRAM}`, ...argv].join(" ")}\n`);
}

function show(text: string): void {
  if (text.trim() !== "") process.stdout.write(`${text.trimEnd()}\n`);
}

/** The prompt takes answers from a terminal alone, and script(1) makes one. Throws where there is none. */
export function requireScript(): void {
  const found = (process.env["PATH"] ?? "").split(delimiter).some((dir) => dir !== "" && isExecutable(join(dir, "script")));
  if (!found) throw new Error("the approval's prompt needs a terminal, so the replay needs script of util-linux (Debian package bsdutils)");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
