import type { Demo } from "./demo.ts";
import { attestMaster, stampGuests } from "./line/hub.ts";
import { buildImages, makeKeys } from "./line/manufacture.ts";
import { provePlanes } from "./line/planes.ts";
import { proveRevoked, recordNodes } from "./line/revoke.ts";
import { proveRejected, proveUnanchored } from "./line/strangers.ts";
import { approveWorkers, bootStrangers, bootWorkers } from "./line/workers.ts";

/** One phase of the demo: its name in the table, what it says while it runs, and what it does. */
export interface Phase {
  readonly name: string;
  readonly title: string;
  readonly run: (demo: Demo) => Promise<void>;
}

/** The demo, in order; each phase proves what it did before the next one begins. */
export const LINE: readonly Phase[] = [
  { name: "keys", title: "Making the cluster's keys and an operator", run: makeKeys },
  { name: "build", title: "Building images for master and worker", run: buildImages },
  { name: "stamp", title: "Stamping: a vTPM a node, its EK pinned", run: stampGuests },
  { name: "boot-master", title: "Booting the master and attesting it over its guest agent", run: attestMaster },
  { name: "boot-workers", title: "Booting two workers until they stand in pending", run: bootWorkers },
  { name: "approve-to-planes", title: "Approving the workers in the operator's CLI", run: approveWorkers },
  { name: "boot-strangers", title: "Booting an altered image, and the right one on a foreign TPM", run: bootStrangers },
  { name: "planes", title: "Proving the planes from inside the guests", run: provePlanes },
  { name: "rejected", title: "Waiting for the altered image to be rejected", run: proveRejected },
  { name: "unanchored", title: "Looking at the lookalike", run: proveUnanchored },
  { name: "revoke", title: "Revoking a worker, and resetting it", run: proveRevoked },
  { name: "record", title: "Asking the hub for the end state", run: recordNodes },
];
