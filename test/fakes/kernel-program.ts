import { appendFileSync, existsSync, fstatSync, readFileSync } from "node:fs";
import { FakeKernel } from "./fake-kernel.ts";

/** A command that changed a kernel. */
export interface KernelChange {
  readonly argv: readonly [string, ...string[]];
  readonly stdin: string;
}

/** A kernel in the state that these changes leave it in. */
export async function replayKernel(changes: readonly KernelChange[]): Promise<FakeKernel> {
  const kernel = new FakeKernel();
  const runner = kernel.runner();
  for (const { argv, stdin } of changes) await runner.run(argv, stdin);
  return kernel;
}

/** The changes that a log holds; none where there is no log yet. */
export function readKernelLog(file: string): readonly KernelChange[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as KernelChange);
}

/**
 * {@link FakeKernel} as the programs `nft`, `ip` and `wg` of a machine: `kernel-program.ts LOG PROGRAM ARGUMENTS`. The kernel is
 * what the changes in LOG make of an empty one; one that it takes is added, so LOG holds what the agent has done, in order.
 */
async function main([log = "", program = "", ...args]: readonly string[]): Promise<void> {
  const change: KernelChange = { argv: [program, ...args], stdin: fstatSync(0).isFile() ? readFileSync(0, "utf8") : "" };
  const kernel = await replayKernel(readKernelLog(log));
  process.stdout.write(await kernel.runner().run(change.argv, change.stdin));
  if (!args.includes("show")) appendFileSync(log, `${JSON.stringify(change)}\n`);
}

if (import.meta.main) await main(process.argv.slice(2));
