import type { Argv } from "../../builder/toolchain/run-host.ts";

/**
 * Wraps a command so that the kernel kills it when the process that started it ends, also by SIGKILL (util-linux's setpriv sets
 * PR_SET_PDEATHSIG and becomes the command, so the process id is the command's own). What runs in the toolchain has the same
 * by bubblewrap's --die-with-parent. Only a parent that is killed within the milliseconds of a start, before the kernel was told, isn't noticed.
 */
export function boundArgv(argv: Argv): Argv {
  return ["setpriv", "--pdeathsig", "KILL", "--", ...argv];
}
