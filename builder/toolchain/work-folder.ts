import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

/** `.making-NAME-PID.START-RANDOM`: who makes it stands in the name, so that it is known from the first moment. */
const WORK = /^\.making-.+-(\d+)\.(\d+)-[^-]+$/;

/**
 * A folder in `parent` for something half made, gone when `work` is done or fails, on the file system on which the result will stand.
 * What processes left that were killed in the middle goes first; that of living ones stays (all must see the same pids). Throws what
 * `work` throws.
 */
export async function withWorkFolder<T>(parent: string, name: string, work: (dir: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true });
  for (const left of readdirSync(parent).filter(isLeft)) await rm(join(parent, left), { recursive: true, force: true });
  const dir = await mkdtemp(join(parent, `.making-${name}-${process.pid}.${startOf(process.pid) ?? ""}-`));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function isLeft(name: string): boolean {
  const [, pid, start] = WORK.exec(name) ?? [];
  return pid !== undefined && startOf(Number(pid)) !== start;
}

/** Field 22 of proc_pid_stat(5), clock ticks since the machine's start: together with the pid it is of one process alone. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
