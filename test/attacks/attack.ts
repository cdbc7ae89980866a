import type { AttackWorld } from "./world.ts";

/** Something that had to be so, and what was seen. */
export interface AttackProof {
  readonly what: string;
  readonly held: boolean;
  readonly detail: string;
}

/** How an attack ended, for the table, the golden file and `--json`. */
export interface AttackOutcome {
  /** Where the node ended: outside (no peer, no address, no key accepted) or inside with what was injected having had no effect. */
  readonly end: "outside" | "no-effect";
  /** Fixed code of the hub, or of `kubedos-build debug` where the guest never spoke; `-` where nothing was refused. */
  readonly code: string;
  /** What explain (or debug) says, lines for people, made comparable (ids, digests, times as words): compared with test/golden/attacks/NAME.txt, whose first line is end and code. */
  readonly explanation: string;
  readonly proofs: readonly AttackProof[];
  /** SHA-256 of the disk or UKI that was booted; null for an attacker that is no guest. */
  readonly image: string | null;
  /** Serial log of the guest, null where there was none. */
  readonly serial: string | null;
}

/** One row of the matrix. */
export interface Attack {
  /** Kebab-case; also the name of its slot in the spec, of its golden file and of its row in docs/attacks.md. */
  readonly name: string;
  readonly title: string;
  /** Whether CI runs it. */
  readonly ci: boolean;
  /** Guests that run at the same time, of the two that run beside the master; default 1. An attacker that is no guest says 0. */
  readonly guests?: 0 | 1 | 2;
  /** Slots of the spec that are stamped for this row, each a worker with a pinned EK of its own; default: one, of the row's name. */
  readonly slots?: readonly string[];
  /** Role to which its slots are pinned; default: worker, whose image they boot. */
  readonly pinnedRole?: string;
  run(world: AttackWorld): Promise<AttackOutcome>;
}
