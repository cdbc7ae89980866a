import { execa, ExecaError } from "execa";
import { ToolError } from "./error.ts";

/** A program and its arguments; never a shell string. */
export type Argv = readonly [string, ...string[]];

/** How {@link runHost} runs a command. Times are in milliseconds. */
export interface RunOptions {
  readonly cwd?: string;
  /** Standard input; secrets go here, never into argv. */
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly timeout?: number;
  /** Added to LC_ALL, PATH and HOME, the only variables a command gets. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a command that succeeded wrote. */
export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_TAIL = 2000;
/** Of an argument in a message; lists of packages have thousands of characters. */
const ARGUMENT_HEAD = 80;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Runs one command of the host to its end. Throws {@link ToolError}. */
export async function runHost(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
  const [file, ...args] = argv;
  try {
    const { stdout, stderr } = await execa(file, args, {
      env: { LC_ALL: "C", PATH, HOME: "/nonexistent", ...options.env },
      extendEnv: false,
      stripFinalNewline: true,
      maxBuffer: 64 * 1024 * 1024,
      ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    });
    return { stdout, stderr };
  } catch (cause) {
    throw toolError(argv, cause);
  }
}

function toolError(argv: Argv, cause: unknown): ToolError {
  if (!(cause instanceof ExecaError)) return new ToolError("FAILED", `${argv[0]} could not be run`, { cause });
  const command = argv.map((word) => (word.length > ARGUMENT_HEAD ? `${word.slice(0, ARGUMENT_HEAD)}…` : word)).join(" ");
  if (cause.isCanceled) return new ToolError("ABORTED", `stopped: ${command}`, { cause });
  if (cause.timedOut) return new ToolError("TIMEOUT", `took too long: ${command}`, { cause });
  if (cause.code === "ENOENT") return new ToolError("MISSING", `${argv[0]} is not installed`, { cause });
  const end = cause.exitCode === undefined ? `signal ${cause.signal ?? "?"}` : `exit code ${cause.exitCode}`;
  const tail = String(cause.stderr ?? "").slice(-OUTPUT_TAIL).trim();
  const stdout = String(cause.stdout ?? "").slice(-OUTPUT_TAIL).trim();
  return new ToolError("FAILED", `${end}: ${command}${tail === "" ? "" : `\n${tail}`}`, { cause: undefined, stdout });
}
