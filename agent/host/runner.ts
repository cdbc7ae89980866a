import type { Argv, Runner } from "../ports.ts";
import { AgentError } from "../error.ts";

const TIMEOUT_MS = 30_000;

/**
 * Runs programs found in `path` alone, with nothing but a fixed environment. execa is loaded at the first command: the
 * agent measures itself before it needs one.
 */
export function createRunner(path: string): Runner {
  return {
    async run([file, ...args]: Argv, stdin?: string): Promise<string> {
      const { execa } = await import("execa");
      const result = await execa(file, args, {
        input: stdin ?? "",
        env: { PATH: path, LC_ALL: "C" },
        extendEnv: false,
        timeout: TIMEOUT_MS,
        reject: false,
        stripFinalNewline: false,
        maxBuffer: 16 * 1024 * 1024,
      });
      if (!result.failed) return result.stdout;
      const said = result.stderr.trim().slice(0, 400);
      const why = result.exitCode === undefined ? (result.shortMessage ?? "could not start") : `exit code ${result.exitCode}`;
      throw new AgentError("COMMAND_FAILED", `${file} ${args.join(" ")}: ${why}${said === "" ? "" : `, ${said}`}`);
    },
  };
}
