import type { Command } from "commander";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { readLog } from "../../sign/signing-log.ts";
import type { CliIo } from "../cli-io.ts";

/** `kubedos-build keys log`. */
export function addKeysLog(keys: Command, io: CliIo): void {
  keys
    .command("log")
    .summary("show what the keys signed")
    .description("Checks the chain of the signing log and prints it, oldest first. Needs no passphrase.\nKeep its head elsewhere: a log that is set back as a whole shows by a head that it no longer leads to.")
    .requiredOption("--keys <dir>", "the cluster's key directory")
    .option("--json", "print entries and head as one object on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build keys log --keys keys\n  kubedos-build keys log --keys keys --json | jq .head")
    .action(async (options: { readonly keys: string; readonly json?: boolean }) => {
      const { entries, head } = await readLog(options.keys, (await readPublicKeys(options.keys)).releaseKeys);
      if (options.json === true) io.out(`${JSON.stringify({ ok: true, head, entries })}\n`);
      else {
        for (const { seq, at, purpose, role, release, digest, refused } of entries) {
          const row = [String(seq).padStart(5), at.slice(0, 19), purpose.padEnd(15), (role ?? "-").padEnd(12), (release ?? "-").padEnd(16), digest.slice(0, 16), refused ?? ""];
          io.out(`${row.join("  ").trimEnd()}\n`);
        }
        io.report(`${entries.length} entries, head ${head}`);
      }
    });
}
