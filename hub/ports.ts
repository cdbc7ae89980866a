import type { judge } from "./attest/judge.ts";

/** Time. Verdicts, leases and challenges are counted on the boot clock; the wall clock is for people and certificates. */
export interface Clock {
  /** Milliseconds since this machine started (CLOCK_BOOTTIME: suspension counts); never goes back, the same for all processes of this boot. */
  monotonicMs(): number;
  /** Milliseconds since 1970; whoever sets the machine's clock controls it. */
  wallMs(): number;
}

/** Randomness fit for keys and nonces. */
export interface Entropy {
  bytes(n: number): Uint8Array;
}

/** One structured line for people; fields hold no secret. Only `serveHub` and the services at the edge write it. */
export interface Log {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The verdict (hub/attest/judge.ts). A port so that tests can bring machines without a TPM, and the replay recorded ones; the program passes the real one. */
export type Judge = typeof judge;

/** Everything by which the hub touches the world beside its files and sockets. */
export interface HubPorts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly judge: Judge;
}
