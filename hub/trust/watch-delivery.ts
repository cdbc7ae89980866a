import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BootError } from "../boot-error.ts";
import { MAX_DELIVERY_BYTES } from "./open-delivery.ts";

const POLL_MS = 500;

/**
 * Gives every new content of the delivery file, the first as soon as it is there. The agent writes it by renaming, so a
 * file is whole when it can be seen. Ends with `signal`; a file over the limit counts as absent.
 */
export async function* watchDelivery(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let seen = "";
  while (!signal.aborted) {
    const stat = statSync(path, { throwIfNoEntry: false });
    const version = stat === undefined || stat.size > MAX_DELIVERY_BYTES ? "" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    if (version !== "" && version !== seen) {
      seen = version;
      yield new Uint8Array(await readFile(path));
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The first delivery that `accept` takes; what it refuses is reported and waited over. Throws BootError `STOPPED`, and `FLOOR_UNREADABLE`, for which no delivery is to blame. */
export async function firstAccepted<T>(
  deliveries: AsyncGenerator<Uint8Array>,
  accept: (data: Uint8Array) => Promise<T>,
  refused: (error: unknown) => void,
): Promise<T> {
  for (;;) {
    const next = await deliveries.next();
    if (next.done === true) throw new BootError("STOPPED", "the hub was stopped before a delivery came");
    try {
      return await accept(next.value);
    } catch (error) {
      if (error instanceof BootError && error.code === "FLOOR_UNREADABLE") throw error;
      refused(error);
    }
  }
}
