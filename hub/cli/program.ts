import { Command as Program, Option } from "commander";
import { type Command, optionsOf } from "./command.ts";
import { VERSION } from "./version.ts";

/** What was typed, taken apart but not yet checked. */
export interface Invocation {
  readonly command: Command;
  /** Positional arguments and the command's own options by name. */
  readonly raw: Readonly<Record<string, unknown>>;
  readonly shared: SharedOptions;
}

/** Options that mean the same in every command that has them. */
export interface SharedOptions {
  readonly output?: string;
  readonly headers?: boolean;
  readonly hub?: string;
  readonly identity?: string;
  readonly socket?: string;
}

/** Where commander's own text goes. */
export interface ProgramOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly width: number;
}

const SHARED: readonly (keyof SharedOptions)[] = ["output", "headers", "hub", "identity", "socket"];
const GROUPS: Readonly<Record<string, string>> = {
  node: "look at one node",
  window: "the time in which new machines may ask",
  ek: "which endorsement key each slot is for",
  firmware: "what changed in nodes' firmware since their approval",
  release: "by which releases machines are judged",
  inspect: "lay logs, quotes and evidence open, without a hub",
};
const EXIT_CODES = `
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 permission, 6 unavailable, 7 time-out,
8 refused by policy or attestation, 130 interrupted. Data goes to stdout, prose to stderr.`;

/** The command line's grammar. Parsing it ends in `found`, or throws CommanderError (also after help was written). */
export function buildProgram(commands: readonly Command[], output: ProgramOutput, found: (i: Invocation) => void): Program {
  const program = new Program("kubedos-hub")
    .description("Lets machines into a kubedos cluster after their TPM has proved what they booted.")
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "show help with examples")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: output.out,
      writeErr: output.err,
      outputError: () => undefined,
      getOutHelpWidth: () => output.width,
      getErrHelpWidth: () => output.width,
    })
    .addHelpText("after", EXIT_CODES);
  const groups = new Map<string, Program>();
  for (const command of commands) {
    const [first, second] = command.path;
    if (second === undefined) addCommand(program, first, command, found);
    else addCommand(groupOf(program, groups, first), second, command, found);
  }
  return program;
}

function groupOf(program: Program, groups: Map<string, Program>, name: string): Program {
  const known = groups.get(name);
  if (known !== undefined) return known;
  const group = program.command(name).description(GROUPS[name] ?? "").helpCommand(false);
  groups.set(name, group);
  return group;
}

function addCommand(parent: Program, name: string, command: Command, found: (i: Invocation) => void): void {
  const sub = parent.command(name).summary(command.summary).description(describe(command)).allowExcessArguments(false);
  for (const argument of command.args) sub.argument(`<${argument.name}>`, argument.what);
  for (const spec of optionsOf(command)) {
    const option = new Option(spec.flags, spec.what);
    if (spec.repeats === true) option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
    sub.addOption(option);
  }
  const examples = command.examples.map(([line, what]) => `  kubedos-hub ${line}\n      ${what}`);
  sub.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  sub.action((...parsed: readonly unknown[]) => found(invocation(command, parsed)));
}

function describe(command: Command): string {
  const summary = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`;
  return command.about === undefined ? summary : `${summary}\n${command.about}`;
}

/** Commander hands over the positional arguments, then the options, then itself. */
function invocation(command: Command, parsed: readonly unknown[]): Invocation {
  const options = Object.entries((parsed[command.args.length] ?? {}) as Readonly<Record<string, unknown>>);
  const isShared = ([key]: readonly [string, unknown]) => SHARED.some((s) => s === key);
  const positional = command.args.map((a, i) => [a.name, parsed[i]] as const);
  return {
    command,
    raw: Object.fromEntries([...positional, ...options.filter((o) => !isShared(o))]),
    shared: Object.fromEntries(options.filter(isShared)),
  };
}
