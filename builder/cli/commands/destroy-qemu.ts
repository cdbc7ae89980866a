import { resolve } from "node:path";
import type { Command } from "commander";
import { destroyState } from "../../deploy/state-folder.ts";
import type { CliIo } from "../cli-io.ts";

/** `kubedos-build destroy qemu`. */
export function addDestroyQemu(destroy: Command, io: CliIo): void {
  destroy
    .command("qemu")
    .summary("delete a deployment's guests, with their TPMs")
    .description("Deletes the state folder of `deploy qemu`. The machines' identities go with their TPMs: what comes back is another machine.")
    .requiredOption("--state <dir>", "folder given to `deploy qemu`")
    .addHelpText("after", "\nExample:\n  kubedos-build destroy qemu --state /var/tmp/demo")
    .action(async ({ state }: { readonly state: string }) => {
      await destroyState(resolve(state));
      io.report(`the guests in ${state} are gone, with their TPMs`);
    });
}
