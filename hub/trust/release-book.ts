import type { KeyObject } from "node:crypto";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { parseRelease, type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { releaseKeysOf } from "../../proto/release/release-keys.ts";
import type { OtherRelease } from "../attest/types.ts";
import type { ReleaseState, StoredRelease } from "../db/releases.ts";
import type { Store } from "../db/store.ts";
import { HubError } from "../error.ts";
import type { ReleaseFloor } from "./release-floor.ts";

/** A release that the image's release key signed, and where it stands here. */
export interface HeldRelease extends Pick<StoredRelease, "envelope" | "reason" | "sinceMs"> {
  readonly release: Release;
  readonly state: ReleaseState;
}

/** Action of the audit's row about a release that came into this state; its subject is the id. The withdrawn ones are read back from there. */
export function releaseAction(state: ReleaseState): string {
  return `release-${state}`;
}

/**
 * The releases of this hub. What judges is kept in memory; it is read from the database at the start and after each decision, and
 * then every envelope is verified against the image's release keys again. A row adds nothing by itself: without a release key's
 * signature it is none, and a current one whose seal isn't this hub's counts as staged until a delivery or an operator says it again.
 * A withdrawal needs no seal, since it only takes away, and is known from the audit, too.
 */
export class ReleaseBook {
  readonly floor: ReleaseFloor;
  readonly #store: Store;
  readonly #image: Pick<ImageConfig, "cluster" | "releaseKeys">;
  readonly #keys: readonly KeyObject[];
  #held: readonly HeldRelease[] = [];
  #current: readonly Release[] = [];
  #others: readonly OtherRelease[] = [];
  #withdrawn: ReadonlySet<string> = new Set();
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, image: Pick<ImageConfig, "cluster" | "releaseKeys">, floor: ReleaseFloor) {
    this.#store = store;
    this.#image = image;
    this.floor = floor;
    this.#keys = releaseKeysOf(image);
    this.load();
  }

  /** Reads and verifies all rows again: after every decision. */
  load(): void {
    const rows = this.#store.releases.all();
    // The audit remembers what somebody takes out of the table; its own rows don't go unnoticed.
    this.#withdrawn = new Set([...this.#store.audit.subjectsOf(releaseAction("withdrawn")), ...rows.filter((r) => r.state === "withdrawn").map((r) => r.id)]);
    this.#held = rows.flatMap(({ id, generation, state, envelope, reason, sinceMs, sealed }) => {
      const release = this.#tryOpen(envelope);
      if (release === null || release.id !== id || release.generation !== generation) return [];
      return [{ release, envelope, reason, sinceMs, state: this.#withdrawn.has(id) ? "withdrawn" : state === "current" && !sealed ? "staged" : state }];
    });
    this.#current = this.#held.filter((h) => h.state === "current").map((h) => h.release);
    this.#others = this.#held.filter((h) => h.state !== "current").map(({ release, state, sinceMs, reason }) => ({ release, withdrawn: state === "withdrawn", sinceMs, reason }));
  }

  /** All, by generation. */
  get held(): readonly HeldRelease[] {
    return this.#held;
  }

  /** Releases by which evidence is judged. */
  get current(): readonly Release[] {
    return this.#current;
  }

  /** Releases by which it isn't, so that a refusal can say which one a machine runs. */
  get others(): readonly OtherRelease[] {
    return this.#others;
  }

  isCurrent(id: string): boolean {
    return this.#current.some((release) => release.id === id);
  }

  /** Also where the row can't be read otherwise. */
  isWithdrawn(id: string): boolean {
    return this.#withdrawn.has(id);
  }

  get(id: string): HeldRelease | null {
    return this.#held.find((h) => h.release.id === id) ?? null;
  }

  /** By id or an unambiguous beginning of it. Throws HubError `NOT_FOUND` or `AMBIGUOUS_ID`. */
  find(wanted: string): HeldRelease {
    const matches = wanted === "" ? [] : this.#held.filter((h) => h.release.id.startsWith(wanted));
    const [match] = matches;
    if (match === undefined) throw new HubError("NOT_FOUND", "the hub has no release of this id");
    if (matches.length > 1) throw new HubError("AMBIGUOUS_ID", "more than one release's id begins like this");
    return match;
  }

  /** Another release that has this generation already: an approval names a generation alone, so there can be but one. */
  rivalOf(release: Release): HeldRelease | null {
    return this.#held.find((h) => h.release.generation === release.generation && h.release.id !== release.id) ?? null;
  }

  /** Verifies an envelope. Throws HubError `RELEASE_INVALID`. */
  open(envelope: Uint8Array): Release {
    let release: Release;
    try {
      release = parseRelease(openEnvelope(RELEASE_TYPE, parseEnvelope(envelope), this.#keys));
    } catch (cause) {
      throw new HubError("RELEASE_INVALID", "this is no release that the image's release key signed", { cause });
    }
    if (release.cluster !== this.#image.cluster) throw new HubError("RELEASE_INVALID", `this release is for cluster ${release.cluster}, the hub is ${this.#image.cluster}'s`);
    return release;
  }

  /** One decision at a time: between looking at the floor and writing, nobody else raises it. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  #tryOpen(envelope: Uint8Array): Release | null {
    try {
      return this.open(envelope);
    } catch {
      return null;
    }
  }
}
