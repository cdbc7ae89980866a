import { BootError } from "../boot-error.ts";
import type { Store } from "../db/store.ts";
import type { GenerationFloor } from "../ports.ts";

/**
 * The highest release generation that ever counted here: what a release must reach to become current. It stands in the database
 * and in the hub's TPM, and the higher of both counts: a database that was deleted, or is a copy of last week's, lowers nothing.
 */
export class ReleaseFloor {
  readonly #port: GenerationFloor;
  readonly #store: Store;
  readonly #cluster: string;
  #kept: number;

  private constructor(port: GenerationFloor, store: Store, cluster: string, kept: number) {
    this.#port = port;
    this.#store = store;
    this.#cluster = cluster;
    this.#kept = kept;
  }

  /**
   * Reads the TPM's floor; one below the database's (another TPM, or one that was cleared) is raised to it, and the audit says so.
   * Throws BootError `FLOOR_UNREADABLE`: without it nobody knows whether the database is an old copy.
   */
  static async open(port: GenerationFloor, store: Store, cluster: string): Promise<ReleaseFloor> {
    const kept = await port.read(cluster).catch((cause: unknown) => {
      throw unreadable("read", cause);
    });
    const floor = new ReleaseFloor(port, store, cluster, kept);
    const stored = store.meta.counter("release_generation");
    if (kept < stored) {
      await floor.keep(stored);
      store.transaction(() => store.audit.append({ actor: "hub", action: "floor-restored", subject: "releases", detail: `the TPM kept generation ${kept}, the database ${stored}` }));
    }
    return floor;
  }

  /** 0 where no release ever counted. */
  get value(): number {
    return Math.max(this.#kept, this.#store.meta.counter("release_generation"));
  }

  /** Raises the TPM's floor; call it before the release becomes current, so that a power cut in between forgets nothing. Throws BootError `FLOOR_UNREADABLE`. */
  async keep(generation: number): Promise<void> {
    if (generation <= this.#kept) return;
    await this.#port.raise(this.#cluster, generation).catch((cause: unknown) => {
      throw unreadable("raised", cause);
    });
    this.#kept = generation;
  }
}

function unreadable(what: string, cause: unknown): BootError {
  return new BootError("FLOOR_UNREADABLE", `the release generation's floor in the TPM can't be ${what}`, { cause });
}
