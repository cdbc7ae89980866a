import type { HubMessage, NodeMessage } from "../proto/gen/kubedos/v1/node.ts";
import type { AgentTpm } from "./tpm/agent-tpm.ts";

/** A command with its arguments; the first is the program. */
export type Argv = readonly [string, ...string[]];

/** Runs commands of the image. Never a shell; secrets go to stdin. Throws {@link AgentError} `COMMAND_FAILED`. */
export interface Runner {
  /** Standard output as text. `accepted`: exit codes that are no failure, 0 alone without it. */
  run(argv: Argv, stdin?: string, accepted?: readonly number[]): Promise<string>;
}

/** Options of {@link Files.write}. */
export interface WriteOptions {
  /** Permission bits; the file is made with them, so no one reads it in between. */
  readonly mode: number;
  /** Owner and group are those of the folder that holds the file; default: the agent's own. */
  readonly ownedByFolder?: boolean;
}

/** The file system. Paths are absolute in the image; tests lay them over a folder of their own. */
export interface Files {
  /** The whole file; null where there is none. Throws {@link AgentError} `FILE_TOO_LARGE` over `max` bytes. Never follows a symbolic link in the last component. */
  read(path: string, max: number): Promise<Uint8Array | null>;
  /** Replaces the file atomically (temporary name, then rename). One at a time for a path: they share the temporary name. */
  write(path: string, data: Uint8Array, options: WriteOptions): Promise<void>;
  /** Names in a folder; none where it doesn't exist. */
  list(path: string): Promise<readonly string[]>;
  /** Removes a file; none is fine. */
  remove(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
}

/** Time, as the agent sees it. */
export interface Clock {
  /** The machine's own idea of the date; the hypervisor sets it. */
  now(): Date;
  /** Seconds since the kernel started. */
  uptime(): number;
  /** The same in milliseconds, for durations that must hold: CLOCK_BOOTTIME, so suspension counts and nobody sets it. */
  bootTime(): number;
  /** Resolves after `ms`, or early when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness of the kernel. */
export interface Entropy {
  bytes(n: number): Uint8Array;
}

/** One line for people at each change of state; goes to the console and the journal. */
export interface Log {
  line(text: string): void;
}

/** How a TCP connection attempt ended: accepted, refused by the peer, or no answer within the time. */
export type TcpOutcome = "open" | "closed" | "filtered";

/** Tries TCP connections, for the probe of the firewall. */
export interface TcpProbe {
  connect(host: string, port: number, timeoutMs: number): Promise<TcpOutcome>;
}

/** One open Attach stream over mutual TLS. */
export interface HubStream {
  /** SPKI (DER) of the certificate that the hub proved on this very connection. */
  readonly hubKey: Uint8Array;
  send(message: NodeMessage): void;
  /** What the hub sends, in order. Ends when the hub ends the stream; throws {@link AgentError} `DISCONNECTED` when it breaks. */
  readonly messages: AsyncIterable<HubMessage>;
  /** Whether the hub has said anything yet. */
  readonly heard: boolean;
  close(): void;
}

/** What one dial needs. */
export interface Dial {
  readonly host: string;
  readonly port: number;
  /** The name that is asked for by SNI; the judge is {@link Dial.verifyHub}, not a host name. */
  readonly serverName: string;
  /** PEM. */
  readonly rootCa: string;
  /** Client chain (PEM, leaf first) and key (PKCS #8, PEM). */
  readonly certificate: string;
  readonly key: string;
  /** Judges the server's chain (DER, leaf first, without root) and gives the leaf's SPKI. Throws to refuse. */
  verifyHub(chain: readonly Uint8Array[]): Uint8Array;
}

/** Dials the hub. Resolves when the TLS handshake is over and the hub was verified. */
export interface HubConnector {
  /** Loads what a dial needs, while the caller waits for something else. */
  prepare(): Promise<void>;
  dial(dial: Dial, signal: AbortSignal): Promise<HubStream>;
}

/** Whether this virtual machine was set back to an earlier state of itself, or copied (vmgenid). */
export interface VmForks {
  /** A mark of the last time that the kernel noticed it in this boot, another one each time; empty: never so far. */
  latest(): string;
}

/** Everything real that the agent touches (style.md rule 8). Only `host/` and `main.ts` make one. */
export interface Ports {
  readonly runner: Runner;
  readonly files: Files;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly tcp: TcpProbe;
  readonly hub: HubConnector;
  readonly forks: VmForks;
  /** Opens the TPM. Throws {@link AgentError} `TPM_MISSING`. */
  openTpm(): Promise<AgentTpm>;
}
