import { readFileSync } from "node:fs";
import type { Clock } from "../ports.ts";

/** The machine's clocks. Uptime is the kernel's (10 ms steps), so that it can be compared with the console's lines. */
export const systemClock: Clock = {
  now: () => new Date(),
  uptime: () => Number.parseFloat(readFileSync("/proc/uptime", "latin1")),
  async sleep(ms, signal) {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};
