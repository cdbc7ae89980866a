import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "../host/write-durably.ts";
import { MAX_DELIVERY_BYTES } from "./open-delivery.ts";

const FILE = "delivery.json";

/**
 * The last delivery that counted, kept on the hub's data volume. That the volume could be opened is the proof that this boot is one that the
 * policy key approved for the hub's role on this very TPM; so what was delivered to the keys beside it counts again, as far as it
 * still holds: signature, issuers over these keys and their dates, serial of the pins, and the floor in the TPM.
 */
export class StoredDelivery {
  readonly #path: string | null;

  /** `dir`: a folder on the data volume; null where there is none, and then nothing is kept. */
  constructor(dir: string | null) {
    this.#path = dir === null ? null : join(dir, FILE);
  }

  /** The one that was kept, where there is one, then those that come. */
  async *before(deliveries: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    const kept = this.#path === null ? null : await readKept(this.#path);
    if (kept !== null) yield kept;
    yield* deliveries;
  }

  /** Keeps one that was accepted. */
  keep(data: Uint8Array): void {
    if (this.#path !== null) writeDurably(this.#path, data, 0o600);
  }
}

async function readKept(path: string): Promise<Uint8Array | null> {
  const data = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return data === null || data.length > MAX_DELIVERY_BYTES ? null : new Uint8Array(data);
}
