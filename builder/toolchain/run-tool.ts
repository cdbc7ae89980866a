import { runHost } from "./run-host.ts";
import type { Argv, RunOptions, RunResult } from "./run-host.ts";
import { toolchainArgv } from "./toolchain-argv.ts";
import type { ToolBinds, ToolTree } from "./toolchain-argv.ts";

/** The one door through which tools of the toolchain run. `env` is added inside. Throws ToolError. */
export async function runTool(tc: ToolTree, argv: Argv, options: ToolBinds & RunOptions = {}): Promise<RunResult> {
  const { env, cwd, ...rest } = options;
  const withEnv: Argv =
    env === undefined ? argv : ["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...argv];
  return runHost(toolchainArgv(tc, withEnv, { ...rest, ...(cwd === undefined ? {} : { cwd }) }), rest);
}
