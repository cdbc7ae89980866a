import { execFile } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Runs a tool of tpm2-tools from PATH against a TPM; gives its standard output. Rejects when it fails. */
export async function runTool(tcti: string, tool: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: "C", TPM2TOOLS_TCTI: tcti };
  const { stdout } = await exec(tool, args, { env, timeout: 30_000 });
  return stdout;
}
