import { Command, CommanderError } from "commander";
import type { CliIo } from "./cli-io.ts";
import { addBuild } from "./commands/build.ts";
import { addBundle } from "./commands/bundle.ts";
import { addDarksite } from "./commands/darksite.ts";
import { addDebug } from "./commands/debug.ts";
import { addDeployQemu } from "./commands/deploy-qemu.ts";
import { addDestroyQemu } from "./commands/destroy-qemu.ts";
import { addKeysInit } from "./commands/keys-init.ts";
import { addKeysLog } from "./commands/keys-log.ts";
import { addKeysRotate } from "./commands/keys-rotate.ts";
import { addLock } from "./commands/lock.ts";
import { addMeasure } from "./commands/measure.ts";
import { addOperatorIssue } from "./commands/operator-issue.ts";
import { addPinsShow } from "./commands/pins-show.ts";
import { addProvenanceShow } from "./commands/provenance-show.ts";
import { addSbomShow } from "./commands/sbom-show.ts";
import { addRebuild } from "./commands/rebuild.ts";
import { addSpecInit } from "./commands/spec-init.ts";
import { addSpecSchema } from "./commands/spec-schema.ts";
import { addSpecShow } from "./commands/spec-show.ts";
import { addSpecValidate } from "./commands/spec-validate.ts";
import { addVerify } from "./commands/verify.ts";
import { EXIT } from "./exit-codes.ts";
import { explainError } from "./explain-error.ts";

/** Adds one command to the program or to one of its groups. */
export type AddCommand = (parent: Command, io: CliIo) => void;

/** Every command, by group; the empty group is the program itself. */
const commands: readonly { readonly group: string; readonly about: string; readonly add: readonly AddCommand[] }[] = [
  { group: "keys", about: "make and look after a cluster's keys", add: [addKeysInit, addKeysRotate, addKeysLog] },
  { group: "operator", about: "people who approve nodes", add: [addOperatorIssue] },
  { group: "spec", about: "ClusterSpecs", add: [addSpecInit, addSpecValidate, addSpecShow, addSpecSchema] },
  { group: "", about: "", add: [addLock, addDarksite] },
  { group: "deploy", about: "bring a cluster to life on a target", add: [addDeployQemu] },
  { group: "destroy", about: "delete what deploy made on a target", add: [addDestroyQemu] },
  { group: "pins", about: "pin files: which EK is which slot", add: [addPinsShow] },
  { group: "", about: "", add: [addBuild, addVerify, addBundle, addRebuild, addMeasure, addDebug] },
  { group: "sbom", about: "what is in an image", add: [addSbomShow] },
  { group: "provenance", about: "what a release was made of", add: [addProvenanceShow] },
];

/** Runs `kubedos-build` with these arguments (without the program's name) to its exit code. Errors go to `complain`. */
export async function runCli(argv: readonly string[], io: CliIo, complain: (text: string) => void): Promise<number> {
  const program = makeProgram(io, complain);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return EXIT.ok;
  } catch (e) {
    if (e instanceof CommanderError) return e.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { message, shown = message, next, exit, code, faults } = explainError(e);
    complain(`kubedos-build: ${shown}\n${next === "" ? "" : `  next: ${next}\n`}`);
    if (argv.includes("--json")) io.out(`${JSON.stringify({ ok: false, code, message, faults })}\n`);
    return exit;
  }
}

function makeProgram(io: CliIo, complain: (text: string) => void): Command {
  const program = new Command("kubedos-build");
  program
    .description("Manufactures a cluster: ClusterSpec in, signed and measured images out.")
    .addHelpText("after", "\nExit codes: 0 ok, 2 usage or a bad spec, 3 not found, 4 conflict, 5 permission, 6 unavailable, 7 time-out, 8 refused; 1 anything else.");
  for (const { group, about, add } of commands) {
    const parent = group === "" ? program : program.command(group).description(about);
    for (const addCommand of add) addCommand(parent, io);
  }
  quieten(program, io, complain);
  return program;
}

/** Commander ends the process by itself unless every command is told not to. */
function quieten(command: Command, io: CliIo, complain: (text: string) => void): void {
  command.exitOverride().configureOutput({ writeOut: io.out, writeErr: complain }).showHelpAfterError("(--help shows what is possible)");
  for (const child of command.commands) quieten(child, io, complain);
}
