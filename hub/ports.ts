import type { Challenge, Known, UnverifiedEvidence, Verdict } from "./attest/types.ts";

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
export interface Judge {
  (evidence: UnverifiedEvidence, challenge: Challenge, known: Known): Verdict;
  /** The same verdict, made by another thread (hub/judge-pool); never rejects. Absent: there is no other thread. */
  readonly ahead?: (evidence: UnverifiedEvidence, challenge: Challenge, known: Known) => Promise<Verdict>;
}

/** Where the highest release generation that ever counted is kept out of the database's reach (DESIGN §2.6): in the hub's TPM. */
export interface GenerationFloor {
  /** 0 where none was ever kept. Rejects where it can't be read: then nobody knows, and the hub doesn't serve. */
  read(cluster: string): Promise<number>;
  /** On stable storage when it resolves; rejects otherwise, also where `generation` is below what is kept. */
  raise(cluster: string, generation: number): Promise<void>;
}

/** Everything by which the hub touches the world beside its files and sockets. */
export interface HubPorts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly judge: Judge;
  readonly floor: GenerationFloor;
}
