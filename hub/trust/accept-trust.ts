import { type Approval, APPROVAL } from "../../proto/release/approval.ts";
import { openOperatorStatement, type OperatorStatement } from "../../proto/release/operator-statement.ts";
import type { Release } from "../../proto/release/release.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { BootError } from "../boot-error.ts";
import type { Store } from "../db/store.ts";
import { releaseAction, type ReleaseBook } from "./release-book.ts";
import type { Signed, Trust } from "./trust.ts";

/** Where a delivery goes to, and by whom its approvals must be signed. */
export interface AcceptOptions {
  readonly store: Store;
  readonly releases: ReleaseBook;
  readonly cluster: string;
  readonly rootCa: string;
  readonly nowMs: number;
}

/**
 * Makes a verified delivery the one that counts. The serial of the pins and the newest release's generation never fall (DESIGN §2.6),
 * by the database or by the TPM's floor, which is raised before anything is written. Its releases become current, but for those that
 * were withdrawn and those below the floor that aren't current already. Its approvals are stored beside those that come later.
 * Throws {@link BootError} `ROLLED_BACK`; `BAD_DELIVERY` for an approval that no operator of this cluster signed or
 * a second release of one id or generation; `FLOOR_UNREADABLE`.
 */
export async function acceptTrust(trust: Trust, options: AcceptOptions): Promise<void> {
  const { store, releases, nowMs } = options;
  const approvals = trust.approvals.map((approval) => ({ approval, says: readDelivered(approval, options) }));
  const { serial } = trust.pins.value;
  const generation = Math.max(...trust.releases.map((r) => r.value.generation));
  await releases.exclusively(async () => {
    if (serial < store.meta.counter("pins_serial")) {
      throw new BootError("ROLLED_BACK", `pins of serial ${serial} were delivered, newer ones were seen already`);
    }
    // One that the hub has had already brings nothing back: it may have been followed by newer releases.
    const had = trust.releases.every((r) => releases.get(r.value.id) !== null);
    if (generation < releases.floor.value && !had) {
      throw new BootError("ROLLED_BACK", `a release of generation ${generation} was delivered, generation ${releases.floor.value} was seen already`);
    }
    const becoming = listBecoming(trust.releases, releases);
    const highest = Math.max(releases.floor.value, ...becoming.map((r) => r.value.generation));
    await releases.floor.keep(highest);
    store.transaction(() => {
      store.meta.raise("pins_serial", serial);
      store.meta.raise("release_generation", highest);
      store.documents.keep("pins", serial, trust.pins.envelope, nowMs);
      for (const { value, envelope } of becoming) {
        store.releases.put({ id: value.id, generation: value.generation, state: "current", envelope, reason: "", sinceMs: nowMs });
      }
      for (const { approval, says } of approvals) store.approvals.add(says.ekName, says.identityGeneration, approval, nowMs);
      store.audit.append({ actor: "hub", action: "deliver", subject: trust.hubSlot, detail: `pins ${serial}, release generation ${generation}` });
      for (const { value } of becoming) store.audit.append({ actor: "hub", action: releaseAction("current"), subject: value.id, detail: `generation ${value.generation}, delivered` });
    });
    releases.load();
  });
}

/** The delivered releases that aren't current yet and may become it, oldest first: each raises the floor for the next. */
function listBecoming(delivered: readonly Signed<Release>[], book: ReleaseBook): readonly Signed<Release>[] {
  const becoming: Signed<Release>[] = [];
  let floor = book.floor.value;
  for (const signed of delivered.toSorted((a, b) => a.value.generation - b.value.generation)) {
    const { value: release } = signed;
    if (book.isWithdrawn(release.id)) continue;
    const same = book.get(release.id)?.release ?? becoming.find((b) => b.value.id === release.id)?.value;
    if (same !== undefined && !equalBytes(canonicalJson(same), canonicalJson(release))) {
      throw new BootError("BAD_DELIVERY", `release ${release.id} is another than the one of this id that the hub has`);
    }
    const rival = book.rivalOf(release)?.release ?? becoming.find((b) => b.value.generation === release.generation && b.value.id !== release.id)?.value;
    if (rival !== undefined) {
      throw new BootError("BAD_DELIVERY", `release ${release.id} has generation ${release.generation}, which is ${rival.id}'s already`);
    }
    if (book.isCurrent(release.id) || release.generation < floor) continue;
    floor = release.generation;
    becoming.push(signed);
  }
  return becoming;
}

function readDelivered(stored: OperatorStatement, options: AcceptOptions): Approval {
  try {
    const { cluster, rootCa, nowMs } = options;
    return openOperatorStatement(APPROVAL, stored, { cluster, rootCa, now: new Date(nowMs) }).says;
  } catch (cause) {
    throw new BootError("BAD_DELIVERY", "an approval in the delivery is not an operator's word", { cause });
  }
}
