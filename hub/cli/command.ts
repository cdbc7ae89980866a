import { z } from "zod";
import { CliError } from "./cli-error.ts";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Format } from "./output/format.ts";

/** A positional argument; its name is a key of the command's input. */
export interface ArgumentSpec {
  readonly name: string;
  readonly what: string;
}

/** An option: flags as commander writes them (`--reason <text>`); a repeatable one gives a list. */
export interface OptionSpec {
  readonly flags: string;
  readonly what: string;
  readonly repeats?: boolean;
}

/** Everything about one command; `T` is what its input schema makes of arguments and options. */
export interface CommandSpec<T> {
  /** Words after `kubedos-hub`: one, or a group and a verb. */
  readonly path: readonly [string] | readonly [string, string];
  readonly summary: string;
  readonly about?: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Whether it talks to the hub, and so takes --hub, --identity and --socket. */
  readonly connects: boolean;
  /** Values of -o that it takes; none where it prints no data. */
  readonly formats: readonly Format[];
  /** Command lines without the program's name, each with what it is good for. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** It ends itself on Ctrl-C, in its own order; every other command just stops. */
  readonly endsItself?: boolean;
  readonly input: z.ZodType<T>;
  readonly run: (input: T, context: Context) => Promise<ExitCode>;
}

/** A command whose input type is hidden behind its own parser. */
export interface Command extends Omit<CommandSpec<never>, "input" | "run"> {
  /** Checks arguments and options and runs. Throws CliError `USAGE` where they don't fit. */
  readonly start: (raw: Readonly<Record<string, unknown>>, context: Context) => Promise<ExitCode>;
}

const FORMAT_OPTIONS = (formats: readonly Format[]): readonly OptionSpec[] => [
  { flags: "-o, --output <format>", what: `one of ${formats.join(", ")} (default table)` },
  { flags: "--no-headers", what: "no header line in tables" },
];
const CONNECTION_OPTIONS: readonly OptionSpec[] = [
  { flags: "--hub <address>", what: "HOST:PORT of the operators' listener (env KUBEDOS_HUB_ADDRESS)" },
  { flags: "--identity <dir>", what: "folder with operator.key, operator.crt, root.crt (env KUBEDOS_HUB_IDENTITY)" },
  { flags: "--socket <path>", what: "read-only socket on the hub itself (default /run/kubedos-hub/hub.sock)" },
];

/** A command's own options, then those of its kind. */
export function optionsOf(spec: Pick<Command, "options" | "formats" | "connects">): readonly OptionSpec[] {
  return [...spec.options, ...(spec.formats.length > 0 ? FORMAT_OPTIONS(spec.formats) : []), ...(spec.connects ? CONNECTION_OPTIONS : [])];
}

/** Specification → command. */
export function command<T>(spec: CommandSpec<T>): Command {
  const { input, run, ...rest } = spec;
  return { ...rest, start: async (raw, context) => await run(parseInput(rest, input, raw), context) };
}

function parseInput<T>(spec: Pick<Command, "path" | "args">, input: z.ZodType<T>, raw: Readonly<Record<string, unknown>>): T {
  const result = input.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const key = String(issue?.path[0] ?? "");
  const isArgument = spec.args.some((a) => a.name === key);
  const where = isArgument ? `<${key}>` : `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
  const missing = !isArgument && raw[key] === undefined;
  const message = missing ? `${where} is required` : `${where}: ${issue?.message ?? "not understood"}`;
  throw CliError.local("USAGE", message, `kubedos-hub ${spec.path.join(" ")} --help`);
}
