import { readdirSync, readFileSync } from "node:fs";

const EVERY_MS = 200;

/** Watches a process and all that it starts. Call the result when it has ended: the most memory they held together, in MB. */
export function watchMemory(pid: number): () => number {
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, proportional(pid))), EVERY_MS);
  return () => {
    clearInterval(timer);
    return peak / 1024;
  };
}

/** KiB of the process and its children, and theirs; shared pages counted once (Pss of proc_pid_smaps_rollup). */
function proportional(pid: number): number {
  try {
    const own = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "));
    return children.filter((child) => child !== "").reduce((sum, child) => sum + proportional(Number(child)), Number(own ?? 0));
  } catch {
    // It has just ended.
    return 0;
  }
}
