import type { Status } from "../../agent/status/status.ts";
import type { Demo } from "../../demo/demo.ts";
import type { Ended } from "../../demo/programs.ts";
import type { FindingObject, NodeObject } from "../../hub/cli/output/objects.ts";
import type { TestCa } from "../fakes/ek-pki.ts";
import type { AttackProof } from "./attack.ts";
import type { AttackGuest, AttackVariant } from "./attack-guest.ts";

/** A worker booted from the release itself and approved: the control, without which a refusal proves nothing. It stays connected. */
export interface HonestWorker {
  readonly slot: string;
  readonly ekName: string;
  /** As the hub showed it once it was connected. */
  readonly node: NodeObject;
  /** `kubedos-hub node evidence`: the file that `inspect evidence` judges. */
  readonly evidence: string;
  readonly guest: AttackGuest;
}

/** What `kubedos-hub explain` says of a machine. */
export interface Explained {
  readonly node: NodeObject;
  readonly findings: readonly FindingObject[];
  /** Its prose, comparable: ids, digests, addresses and times are words. */
  readonly text: string;
}

/** What `kubedos-build debug` says of a guest's console. */
export interface Diagnosed {
  readonly code: string;
  /** Its prose, comparable. */
  readonly text: string;
}

/** What every row runs in: one release, one attested master with an open window, one honest worker inside. */
export interface AttackWorld {
  /** The row that runs; also its first slot's name, unless the row names others. */
  readonly name: string;
  /** The demo's own object: `built` (spec, keys, release, releaseDir, tc), `cluster`, `connection`. */
  readonly demo: Demo;
  readonly signal: AbortSignal;
  readonly honest: HonestWorker;
  /** Whose TPMs the cluster believes by their EK certificate. */
  readonly maker: TestCa;
  /** A folder of this row alone, gone at its end. */
  readonly dir: string;
  /** A line of progress, with the row's name and the elapsed time. */
  say(text: string): void;
  /** The operator's CLI over mutual TLS, as a program. */
  hub(argv: readonly string[]): Promise<Ended>;
  /** Every node and expected slot, asked over one connection of the operator's. */
  nodes(): Promise<readonly NodeObject[]>;
  /** The hub's word on an EK; null while it has none. */
  node(ekName: string): Promise<NodeObject | null>;
  /** Throws where the hub knows no machine with this EK. */
  explain(ekName: string): Promise<Explained>;
  /** `kubedos-build debug` on the guest's console, for a guest that never spoke. */
  debug(guest: AttackGuest): Promise<Diagnosed>;
  /** EK Name that was pinned for a slot. */
  pinnedEk(slot: string): string;
  /** Starts a guest for a slot of the spec (its hint, its address, its role), varied. The runner ends it with the row. */
  start(slot: string, variant?: AttackVariant): Promise<AttackGuest>;
  /** Waits until `test` gives something; says what it waited for when it doesn't. */
  until<T>(what: string, seconds: number, test: () => Promise<T | null>): Promise<T>;
  /** Waits until the hub shows this EK in one of these states (default limit: a boot's). */
  untilState(ekName: string, states: readonly string[], seconds?: number): Promise<NodeObject>;
  /** Approves a pending machine as an operator does in a script, its EK given, and waits until it is connected. */
  approve(ekName: string): Promise<NodeObject>;
  /**
   * The common proofs that a machine is outside: the hub shows neither the slot's pinned EK nor `ekName` as let in or with a
   * plane's address, none of them was ever admitted (so no certificate), and the master's own kernel, read from inside, has no peer of this
   * slot, while it has the honest worker. `guest`: where one runs and speaks, its own agent isn't admitted and has no peer either.
   */
  outside(slot: string, ekName: string | null, guest?: AttackGuest): Promise<readonly AttackProof[]>;
  /** The master's own status, read from inside. */
  master(): Promise<Status>;
}
