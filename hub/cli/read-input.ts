import { CliError } from "./cli-error.ts";
import type { CliPorts } from "./ports.ts";

/** A file that the operator named, at most `max` bytes. Throws CliError `FILE_INVALID`. */
export async function readInput(path: string, max: number, ports: CliPorts): Promise<Uint8Array> {
  try {
    return (await ports.readFile(path, max)).data;
  } catch (cause) {
    const why = cause instanceof RangeError ? cause.message : ((cause as NodeJS.ErrnoException).code ?? "can't be read");
    throw CliError.local("FILE_INVALID", `${path}: ${why}`, null, cause);
  }
}

/** Runs a parser over a file's content; what it throws is reported with the file's name. Throws CliError `FILE_INVALID`. */
export function parseInput<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
    const reason = typeof code === "string" ? `${code}: ${String(message)}` : String(message);
    throw CliError.local("FILE_INVALID", `${path} is not ${what} (${reason})`, "kubedos-hub inspect --help", cause);
  }
}
