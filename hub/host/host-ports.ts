import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { judge } from "../attest/judge.ts";
import { ReplayMemory } from "../attest/replay-memory.ts";
import { JudgePool } from "../judge-pool/judge-pool.ts";
import type { HubPorts, Judge, Log } from "../ports.ts";
import { DEFAULT_TPM } from "./open-tpm.ts";
import { tpmFloor } from "./tpm-floor.ts";

/** The real world, with the TPM at this path. Log lines are JSON on stderr, written synchronously (worker transports break in a compiled binary). */
export function hostPorts(tpm: string = DEFAULT_TPM): HubPorts {
  return {
    clock: {
      // Node has no CLOCK_BOOTTIME of its own; this file is it, in steps of 10 ms.
      monotonicMs: () => Math.round(Number.parseFloat(readFileSync("/proc/uptime", "latin1")) * 1000),
      wallMs: () => Date.now(),
    },
    entropy: { bytes: (n) => new Uint8Array(randomBytes(n)) },
    log: pinoLog(),
    judge: hostJudge(),
    floor: tpmFloor(tpm),
  };
}

/** One for the process, as its cores are: threads come up with the first evidence. */
const pool = new JudgePool({ log: pinoLog() });
const cache = new ReplayMemory();

/** The real verdict. On one core there is no other thread, and the pool says so. */
function hostJudge(): Judge {
  const here = (...[evidence, challenge, known]: Parameters<Judge>): ReturnType<Judge> => judge(evidence, challenge, known, cache);
  return Object.assign(here, { ahead: (...args: Parameters<Judge>) => pool.judge(...args) });
}

function pinoLog(): Log {
  const logger = pino({ base: null }, pino.destination({ dest: 2, sync: true }));
  return {
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
  };
}
