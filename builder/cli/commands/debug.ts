import { join, resolve } from "node:path";
import type { Command } from "commander";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { consoleLines, diagnoseConsole, diagnosisObject, diagnosisText } from "../../debug/diagnose-console.ts";
import { readConsole } from "../../debug/read-console.ts";
import { BuildError } from "../../error.ts";
import { guestPaths } from "../../guest/start-guest.ts";
import type { CliIo } from "../cli-io.ts";

interface Options {
  readonly dir?: string;
  readonly console?: string;
  readonly output: string;
}

/** `kubedos-build debug`. */
export function addDebug(program: Command, io: CliIo): void {
  program
    .command("debug")
    .summary("say why a guest doesn't come up, from its console")
    .description(
      "For a machine that the hub never heard from: reads its serial log and says what stopped the last boot, the usual cause, and the line it rests on.\n" +
        "The guest wrote that log, so it is a hint for people and decides nothing.",
    )
    .argument("[node]", "TARGET/NODE, like qemu/worker-1; needs --dir")
    .argument("[what]", "status: what stopped it (default); log: the console's lines, safe to print")
    .option("--dir <dir>", "state folder given to `deploy qemu`")
    .option("--console <file>", "a serial log, instead of a node")
    .option("-o, --output <format>", "table or json", "table")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  kubedos-build debug qemu/worker-1 --dir /var/tmp/demo            # what stopped it\n" +
        "  kubedos-build debug qemu/worker-1 log --dir /var/tmp/demo        # what it wrote\n" +
        "  kubedos-build debug --console serial.log -o json",
    )
    .action(async (node: string | undefined, what: string | undefined, options: Options) => {
      if (options.output !== "table" && options.output !== "json") throw new BuildError("USAGE", "--output is table or json");
      const json = options.output === "json";
      const log = await readConsole(consoleOf(node, options));
      if (what === undefined || what === "status") {
        const diagnosis = diagnoseConsole(log);
        io.out(json ? `${JSON.stringify(diagnosisObject(diagnosis))}\n` : diagnosisText(diagnosis));
      } else if (what === "log") {
        const lines = consoleLines(log);
        io.out(json ? `${JSON.stringify({ lines })}\n` : lines.map((line) => `${line}\n`).join(""));
      } else throw new BuildError("USAGE", `there is no "${what}" to be shown; there is status and log`);
    });
}

function consoleOf(node: string | undefined, { dir, console: file }: Options): string {
  if (file !== undefined) {
    if (node !== undefined) throw new BuildError("USAGE", "give a node or --console, not both");
    return resolve(file);
  }
  const name = /^qemu\/(.+)$/.exec(node ?? "")?.[1];
  if (name === undefined || !dnsLabel.safeParse(name).success) throw new BuildError("USAGE", "say which machine: qemu/NODE with --dir, or --console FILE");
  if (dir === undefined) throw new BuildError("USAGE", `say where ${node} is: --dir, the folder given to deploy qemu as --state`);
  return guestPaths(join(resolve(dir), name)).serialLog;
}
