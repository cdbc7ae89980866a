import { CommanderError } from "commander";
import { CliError } from "./cli-error.ts";
import type { Command } from "./command.ts";
import { type Admin, connectAdmin } from "./connect/admin.ts";
import { chooseTarget } from "./connect/target.ts";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { type Format, formatOf, isStructured } from "./output/format.ts";
import { printable } from "./output/printable.ts";
import { jsonLine, writeView } from "./output/view.ts";
import type { CliPorts } from "./ports.ts";
import { buildProgram, type Invocation } from "./program.ts";

const HELP_WIDTH = 100;

/**
 * Runs one command line (without the program's name) and gives its exit code; never throws. Data goes to stdout; prose
 * and errors to stderr, errors as an object where the format is one for machines.
 */
export async function runCli(argv: readonly string[], commands: readonly Command[], ports: CliPorts): Promise<number> {
  const format = formatOf(argv);
  try {
    const invocation = parse(argv, commands, ports);
    if (invocation === undefined) return EXIT.ok;
    return await runCommand(invocation, format, ports);
  } catch (error) {
    return report(error, format, ports);
  }
}

/** undefined where help or the version was asked for and written. */
function parse(argv: readonly string[], commands: readonly Command[], ports: CliPorts): Invocation | undefined {
  let found: Invocation | undefined;
  const output = {
    out: (text: string) => ports.stdout.write(text),
    err: (text: string) => ports.stderr.write(text),
    width: Math.min(HELP_WIDTH, ports.stdout.columns ?? HELP_WIDTH),
  };
  const program = buildProgram(commands, output, (i) => {
    found = i;
  });
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    // Only a command was missing: its help is the answer, and it is on stderr already.
    const message = error.code === "commander.help" ? "which command?" : error.message.replace(/^error: /, "").replaceAll("\n", " ");
    throw CliError.local("USAGE", printable(message), "kubedos-hub --help", error);
  }
  return found;
}

async function runCommand({ command, raw, shared }: Invocation, format: Format, ports: CliPorts): Promise<number> {
  if (shared.output !== undefined && !command.formats.some((f) => f === shared.output)) {
    throw CliError.local("USAGE", `--output: must be one of ${command.formats.join(", ")}`, `kubedos-hub ${command.path.join(" ")} --help`);
  }
  let admin: Promise<Admin> | undefined;
  let goesOn = "what the hub has begun goes on; look with: kubedos-hub nodes";
  const headers = shared.headers ?? true;
  const context: Context = {
    ports,
    format,
    headers,
    print: (view) => writeView(ports.stdout, format, view, { headers, now: ports.now() }),
    say: (text) => ports.stderr.write(`${text}\n`),
    hub: () => (admin ??= connectAdmin(chooseTarget(shared, ports.env), ports)),
    goesOn: (sentence) => {
      goesOn = sentence;
    },
  };
  try {
    if (command.endsItself === true) return await command.start(raw, context);
    return await Promise.race([command.start(raw, context), interruption(ports.interrupted, () => goesOn)]);
  } finally {
    await admin?.then((a) => a.close()).catch(() => undefined);
  }
}

async function interruption(signal: AbortSignal, sentence: () => string): Promise<never> {
  return await new Promise((_resolve, reject) => {
    const stop = () => reject(CliError.local("INTERRUPTED", `interrupted; ${sentence()}`, null));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function report(error: unknown, format: Format, ports: CliPorts): number {
  const known = error instanceof CliError ? error : CliError.local("INTERNAL", error instanceof Error ? error.message : String(error), null, error);
  ports.stderr.write(`${isStructured(format) ? jsonLine(errorObject(known)) : sentence(known)}\n`);
  return known.exit;
}

function sentence(error: CliError): string {
  const next = error.next === null ? "" : `; next: ${error.next}`;
  return printable(`kubedos-hub: ${error.message} (${error.code})${next}`);
}

function errorObject(error: CliError): object {
  return { apiVersion: "kubedos/v1", kind: "Error", code: error.code, message: error.message, next: error.next, exit: error.exit };
}

