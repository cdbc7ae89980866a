import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { judge } from "../attest/judge.ts";
import type { HubPorts, Log } from "../ports.ts";

/** The real world. Log lines are JSON on stderr, written synchronously (worker transports break in a compiled binary). */
export function hostPorts(): HubPorts {
  return {
    clock: {
      // Node has no CLOCK_BOOTTIME of its own; this file is it, in steps of 10 ms.
      monotonicMs: () => Math.round(Number.parseFloat(readFileSync("/proc/uptime", "latin1")) * 1000),
      wallMs: () => Date.now(),
    },
    entropy: { bytes: (n) => new Uint8Array(randomBytes(n)) },
    log: pinoLog(),
    judge,
  };
}

function pinoLog(): Log {
  const logger = pino({ base: null }, pino.destination({ dest: 2, sync: true }));
  return {
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
  };
}
