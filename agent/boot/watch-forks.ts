import type { Ports } from "../ports.ts";

/** How late a fork is noticed; WireGuard's own sessions the kernel has ended by then. */
const LOOK_MS = 500;

/** Resolves with the mark of a fork that `known` isn't; null when the signal came first. */
export async function watchForks({ forks, clock }: Pick<Ports, "forks" | "clock">, known: string, signal: AbortSignal): Promise<string | null> {
  for (;;) {
    await clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return null;
    const latest = forks.latest();
    if (latest !== "" && latest !== known) return latest;
  }
}
