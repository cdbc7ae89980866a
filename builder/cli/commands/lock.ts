import type { Command } from "commander";
import { describeChange } from "../../lock/diff-locks.ts";
import { describeBytes } from "../../fetch/progress.ts";
import { extrasBytes } from "../../lock/extras.ts";
import { type Lock, lockDigest, lockSchema } from "../../lock/lock.ts";
import { makeLock } from "../../lock/make-lock.ts";
import { resolveExtras } from "../../lock/resolve-extras.ts";
import { updateLock } from "../../lock/update-lock.ts";
import { gatherWants } from "../../lock/wants.ts";
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
    .description("Resolves every package of every role of a ClusterSpec, the kernel, the stub and the build's own tools to version, size, SHA-256 and origin, from an archive whose signature holds; and what a darksite.yaml beside the spec wants besides: container images, files, Python wheels. A build with that lock asks no mirror for anything else.\nA lock that is there already is compared and left; exit code 4 says that one of today would differ.")
    .argument("<spec>", "the ClusterSpec (YAML)")
    .requiredOption("-o, --output <file>", "the lock")
    .option("--update", "replace a lock that differs, and print what changed")
    .option("--json", "print the result as one object on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build lock examples/demo.yaml -o lock.json\n  kubedos-build lock examples/demo.yaml -o lock.json --update")
    .action(async (file: string, options: Options) => {
      const { report, signal } = io;
      const spec = await readSpec(file, report);
      const roles = usedRoles(spec, await readRoles(file));
      const next = `kubedos-build lock ${file} -o ${options.output} --update`;
      const wants = await gatherWants(file, roles, spec.workloads.images);
      const resolve = async (old: Lock | undefined) => lockSchema.parse({ ...(await makeLock(roles, report, signal)), ...(await resolveExtras(wants, old, report, signal)) });
      const { lock, outcome, changes } = await updateLock({ file: options.output, update: options.update === true, resolve, next });
      const bytes = lock.packages.reduce((sum, p) => sum + p.size, 0);
      report(`${options.output} ${{ made: "is made", unchanged: "is what a lock of today would be", updated: "is updated" }[outcome]}: ${lock.packages.length} packages, ${describeBytes(bytes)}, kernel ${lock.kernel}${describeExtras(lock)}`);
      if (options.json === true) io.out(`${JSON.stringify({ ok: true, lock: options.output, sha256: lockDigest(lock), outcome, packages: lock.packages.length, bytes, changes })}\n`);
      else io.out(changes.map((change) => `${describeChange(change)}\n`).join(""));
    });
}

function describeExtras(lock: Lock): string {
  const counts = ([["container image", lock.containers], ["file", lock.files], ["wheel", lock.wheels]] as const).filter(([, list]) => list !== undefined);
  const all = counts.map(([kind, list]) => `${list?.length} ${kind}${list?.length === 1 ? "" : "s"}`).join(", ");
  return all === "" ? "" : `; beside them ${all}, ${describeBytes(extrasBytes(lock))}`;
}
