import type { Command } from "commander";
import { readPins } from "../../deploy/state-folder.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import type { CliIo } from "../cli-io.ts";

/** `kubedos-build pins show`. */
export function addPinsShow(pins: Command, io: CliIo): void {
  pins
    .command("show")
    .summary("print which EK is pinned to which slot")
    .description("Verifies a pin file and prints it: what an operator compares with before he approves.")
    .argument("<file>", "pins.json of a state folder")
    .requiredOption("--keys <dir>", "the cluster's key directory, or a release's keys folder")
    .option("--json", "print the verified file as one object on stdout")
    .addHelpText("after", "\nExample:\n  kubedos-build pins show /var/tmp/demo/pins.json --keys keys")
    .action(async (file: string, options: { readonly keys: string; readonly json?: boolean }) => {
      const { pins } = await readPins(file, await readPublicKeys(options.keys));
      if (options.json === true) io.out(`${JSON.stringify(pins)}\n`);
      else for (const { name, role, ekName } of pins.slots) io.out(`${name.padEnd(20)} ${role.padEnd(12)} ${ekName ?? "not stamped"}\n`);
      if (pins.ekTrust !== undefined) io.report(`EK certificates count under ${pins.ekTrust.roots.length} root(s) with ${pins.ekTrust.intermediates.length} intermediate(s)`);
    });
}
