import { COMMANDS } from "./cli/commands.ts";
import { runCli } from "./cli/run-cli.ts";
import { terminalPorts } from "./cli/terminal-ports.ts";

const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());
process.once("SIGTERM", () => interrupt.abort());
// `kubedos-hub nodes | head -1` is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

// No top-level await: the compiled forms of this file are CommonJS.
void runCli(process.argv.slice(2), COMMANDS, terminalPorts(interrupt.signal)).then((exitCode) => {
  process.exitCode = exitCode;
  if (interrupt.signal.aborted) process.exit(exitCode);
  // A connection that is still closing must not hold the terminal.
  setTimeout(() => process.exit(exitCode), 500).unref();
});
