import type { CliPorts } from "./ports.ts";
import { CliError } from "./cli-error.ts";

/** Asks one question; the answer without surrounding space and in lower case. Throws CliError `NO_TERMINAL` with `instead` as the way out. */
export async function ask(ports: CliPorts, question: string, instead: string): Promise<string> {
  if (ports.ask === undefined) {
    throw CliError.local("NO_TERMINAL", "this decision asks a question, and there is no terminal to ask it on", instead);
  }
  const answer = await ports.ask(question);
  return (answer ?? "").trim().toLowerCase();
}
