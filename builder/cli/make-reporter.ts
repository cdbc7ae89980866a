import type { Report } from "../toolchain/report.ts";

const PATIENCE_MS = 15_000;

/** Lines with the time since the start; a step that says nothing for a while is named again, so that nobody thinks it hangs. */
export function makeReporter(write: (text: string) => void, now: () => number): Report {
  const start = now();
  let [last, lastAt] = ["", start];
  const print = (line: string) => write(`[${((now() - start) / 1000).toFixed(1).padStart(6)} s] ${line}\n`);
  setInterval(() => {
    if (last !== "" && now() - lastAt >= PATIENCE_MS) print(`… still ${last}, for ${Math.round((now() - lastAt) / 1000)} s`);
  }, PATIENCE_MS).unref();
  return (line) => {
    [last, lastAt] = [line, now()];
    print(line);
  };
}
