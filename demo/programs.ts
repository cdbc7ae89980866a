import { execa } from "execa";

/** How a program of ours ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const root = new URL("..", import.meta.url).pathname;

/** Runs one of the three programs as a user would, by its own executable; never throws for its exit code. */
export async function runProgram(program: "kubedos-build" | "kubedos-hub", argv: readonly string[], signal: AbortSignal): Promise<Ended> {
  const result = await execa(`${root}bin/${program}`, argv, { reject: false, cancelSignal: signal, stdin: "ignore", env: { NO_COLOR: "1" } });
  signal.throwIfAborted();
  return { code: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}

/** Like {@link runProgram}, and passes the program's own progress through to people. */
export async function runLoudly(program: "kubedos-build" | "kubedos-hub", argv: readonly string[], signal: AbortSignal): Promise<Ended> {
  const result = await execa(`${root}bin/${program}`, argv, { reject: false, cancelSignal: signal, stdin: "ignore", stdout: "pipe", stderr: ["pipe", "inherit"] });
  signal.throwIfAborted();
  return { code: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}

/**
 * Runs a program in a terminal of its own (util-linux `script`), waits for `prompt` on its screen and types what `answer`
 * makes of the screen. The prompt refuses to work without a terminal, so this is the real one.
 */
export async function runInTerminal(argv: readonly string[], prompt: RegExp, answer: (screen: string) => string, signal: AbortSignal): Promise<Ended> {
  // script(1) takes one string for a shell; every word is quoted, and none of them comes from a guest.
  const command = [`${root}bin/kubedos-hub`, ...argv].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = execa("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
    reject: false,
    cancelSignal: signal,
    env: { NO_COLOR: "1", TERM: "dumb", COLUMNS: "100" },
    stdin: "pipe",
  });
  let screen = "";
  let answered = false;
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
    if (!answered && prompt.test(screen)) {
      answered = true;
      child.stdin.write(`${answer(screen)}\n`);
    }
  });
  const result = await child;
  signal.throwIfAborted();
  return { code: result.exitCode ?? 1, stdout: screen.replaceAll("\r\n", "\n"), stderr: result.stderr };
}
