import { askSecret } from "./cli/ask-secret.ts";
import { EXIT } from "./cli/exit-codes.ts";
import { makeReporter } from "./cli/make-reporter.ts";
import { runCli } from "./cli/run-cli.ts";

// Modes in images are a function of the inputs, not of who builds; what is secret is written with a mode of its own.
process.umask(0o022);

const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // The second one doesn't wait for anything to be tidied up.
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort();
  });
}

// `kubedos-build --help | head -1` is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});

const complain = (text: string): void => void process.stderr.write(text);
process.exitCode = await runCli(
  process.argv.slice(2),
  {
    out: (text) => void process.stdout.write(text),
    report: makeReporter(complain, () => performance.now()),
    signal: abort.signal,
    env: process.env,
    now: () => new Date(),
    askSecret,
  },
  complain,
);
