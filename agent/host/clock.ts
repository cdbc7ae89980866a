import { readFileSync } from "node:fs";
import type { Clock } from "../ports.ts";

/** CLOCK_BOOTTIME in seconds, by steps of 10 ms. Node's own clocks stand still while the machine is suspended. */
function uptime(): number {
  return Number.parseFloat(readFileSync("/proc/uptime", "latin1"));
}

/** The machine's clocks. Uptime is the kernel's, so that it can be compared with the console's lines. */
export const systemClock: Clock = {
  now: () => new Date(),
  uptime,
  bootTime: () => Math.round(uptime() * 1000),
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
