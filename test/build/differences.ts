import { spawnSync } from "node:child_process";

/** What diffoscope finds between two folders; the empty string is nothing. Times of files aren't looked at. */
export function differences(a: string, b: string): string {
  const { status, stdout, stderr, error } = spawnSync("diffoscope", ["--exclude-directory-metadata=yes", "--max-report-size=20000", a, b], { encoding: "utf8", maxBuffer: 1 << 26 });
  if (error !== undefined) throw error;
  return status === 0 ? "" : `${stdout}${stderr}`;
}
