import type { EkTrust } from "../attest/ek-certificate.ts";
import type { Pins } from "../../proto/release/pins.ts";
import type { Release } from "../../proto/release/release.ts";
import type { OperatorStatement } from "../../proto/release/operator-statement.ts";

/** One slot of the cluster. */
export type Slot = Pins["slots"][number];

/** A signed document with what it says. */
export interface Signed<T> {
  readonly envelope: Uint8Array;
  readonly value: T;
}

/** What the build host told this hub, verified: what is expected of machines, and who they are. */
export interface Trust {
  /** The slot of the hub's own node. */
  readonly hubSlot: string;
  readonly releases: readonly Signed<Release>[];
  readonly pins: Signed<Pins>;
  readonly slots: ReadonlyMap<string, Slot>;
  /** EK Name (hex) → the slot it is pinned to. */
  readonly byEk: ReadonlyMap<string, Slot>;
  /** Makers whose EK certificates anchor a machine; without roots where the pins name none. */
  readonly ek: EkTrust;
  /** Statements that came along; each is verified where it is used. */
  readonly approvals: readonly OperatorStatement[];
  /** Intermediates, DER. */
  readonly hubIssuer: Uint8Array;
  readonly nodeIssuer: Uint8Array;
  readonly operatorIssuer: Uint8Array;
}
