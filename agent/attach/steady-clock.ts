import type { Clock } from "../ports.ts";

/** A clock whose date never goes back in this life of the agent (DESIGN §2.16): what was valid stays valid, what has expired stays expired. */
export function steadyClock(clock: Clock): Clock {
  let highest = 0;
  return {
    now: () => new Date((highest = Math.max(highest, clock.now().getTime()))),
    uptime: () => clock.uptime(),
    bootTime: () => clock.bootTime(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}
