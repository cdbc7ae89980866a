import type { Command } from "commander";
import { describeChange } from "../../lock/diff-locks.ts";
import { lockDigest } from "../../lock/lock.ts";
import { makeLock } from "../../lock/make-lock.ts";
import { updateLock } from "../../lock/update-lock.ts";
import { usedRoles } from "../../release/plan-release.ts";
import { readRoles } from "../../roles/read-roles.ts";
import type { CliIo } from "../cli-io.ts";
import { readSpec } from "./spec-validate.ts";

interface Options {
  readonly output: string;
  readonly update?: boolean;
  readonly json?: boolean;
}

/** `kubedos-build lock`. */
export function addLock(program: Command, io: CliIo): void {
  program
    .command("lock")
    .summary("write down which packages a build takes")
    .description("Resolves every package of every role of a ClusterSpec, the kernel, the stub and the build's own tools to version, size, SHA-256 and origin, from an archive whose signature holds. A build with that lock asks no mirror for anything else.\nA lock that is there already is compared and left; exit code 4 says that one of today would differ.")
    .argument("<spec>", "the ClusterSpec (YAML)")
    .requiredOption("-o, --output <file>", "the lock")
    .option("--update", "replace a lock that differs, and print what changed")
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build lock examples/demo.yaml -o lock.json\n  kubedos-build lock examples/demo.yaml -o lock.json --update")
    .action(async (file: string, options: Options) => {
      const { report, signal } = io;
      const roles = usedRoles(await readSpec(file), await readRoles(file));
      const next = `kubedos-build lock ${file} -o ${options.output} --update`;
      const { lock, outcome, changes } = await updateLock({ file: options.output, update: options.update === true, resolve: () => makeLock(roles, report, signal), next });
      const bytes = lock.packages.reduce((sum, p) => sum + p.size, 0);
      report(`${options.output} ${{ made: "is made", unchanged: "is what a lock of today would be", updated: "is updated" }[outcome]}: ${lock.packages.length} packages, ${(bytes / 1e6).toFixed(0)} MB, kernel ${lock.kernel}`);
      if (options.json === true) io.out(`${JSON.stringify({ ok: true, lock: options.output, sha256: lockDigest(lock), outcome, packages: lock.packages.length, bytes, changes })}\n`);
      else io.out(changes.map((change) => `${describeChange(change)}\n`).join(""));
    });
}
