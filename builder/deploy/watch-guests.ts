import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { parseJson } from "../../proto/wire/json.ts";
import type { DeployEvent } from "./deploy-event.ts";
import { DeployError } from "./error.ts";

const STATUS_FILE = "/run/kubedos/status.json";
const MAX_STATUS_BYTES = 4 * 1024 * 1024;
const POLL_MS = 1_500;

// A guest wrote it: only what can be printed without harm is read, and nothing is decided by it.
const statusSchema = z.looseObject({
  node: z.looseObject({ state: z.string().regex(/^[a-z-]{1,32}$/), code: z.string().regex(/^[A-Z0-9_]{1,64}$/).optional() }),
  planes: z.array(z.looseObject({ name: z.string().regex(/^wg[0-9]$/), up: z.boolean() })).max(16),
});

/** What of a cluster's guests is watched. */
export interface WatchedGuests {
  running(): readonly string[];
  /** Null while the guest doesn't show it. Throws DeployError `GUEST_ENDED`. */
  readFile(name: string, path: string, max: number): Promise<Uint8Array | null>;
  /** Settles with the cause once a guest is gone. */
  ended(name: string): Promise<string>;
  console(name: string): Promise<string>;
}

/** Says each change of these guests until `signal` fires (resolves) or all of them have ended (DeployError `GUEST_ENDED`). */
export async function watchGuests(guests: WatchedGuests, names: readonly string[], emit: (event: DeployEvent) => void, signal: AbortSignal, pollMs: number = POLL_MS): Promise<void> {
  const said = new Map<string, string>();
  const left = new Set(names);
  while (left.size > 0) {
    for (const node of [...left]) {
      const state = guests.running().includes(node) ? await readState(guests, node, signal) : "ended";
      if (signal.aborted) return;
      if (state === "ended") {
        left.delete(node);
        emit({ event: "ended", node, cause: await guests.ended(node), console: await guests.console(node) });
      } else if (state !== null && said.get(node) !== JSON.stringify(state)) {
        said.set(node, JSON.stringify(state));
        emit({ event: "state", node, ...state });
      }
    }
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
  throw new DeployError("GUEST_ENDED", "all guests have ended");
}

async function readState(guests: WatchedGuests, node: string, signal: AbortSignal): Promise<{ readonly state: string; readonly planes: readonly string[] } | "ended" | null> {
  try {
    const data = await guests.readFile(node, STATUS_FILE, MAX_STATUS_BYTES);
    if (data === null) return null;
    const { node: at, planes } = parseJson(statusSchema, data, MAX_STATUS_BYTES);
    return { state: at.code === undefined ? at.state : `${at.state} (${at.code})`, planes: planes.filter((plane) => plane.up).map((plane) => plane.name) };
  } catch (error) {
    if (error instanceof DeployError && error.code === "GUEST_ENDED") return "ended";
    // Half a file, or a stranger's: the next look may find a whole one.
    if (!signal.aborted) return null;
    throw error;
  }
}
