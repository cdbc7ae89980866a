import { z } from "zod";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { PATHS } from "../paths.ts";
import type { Ports } from "../ports.ts";
import type { StatusBoard } from "../status/status-board.ts";
import type { PlaneManager } from "./plane-manager.ts";

/** How late the end may be noticed: timers stand still while the machine is suspended, the clock doesn't. */
const WATCH_MS = 1000;
const MAX_HORIZON_BYTES = 256;

const horizonSchema = z.strictObject({ kind: z.literal("kubedos/horizon"), version: z.literal(1), bootId: z.uuid(), untilMs: z.number() });

/** What a horizon works on. */
export interface HorizonOptions {
  readonly ports: Pick<Ports, "clock" | "files">;
  readonly bootId: string;
  readonly planes: PlaneManager;
  readonly status: StatusBoard;
}

/**
 * The moment until which this node may use its peers (DESIGN §2.10), on the clock that counts suspension. It moves by the
 * hub's heartbeats alone; when it is over the node drops all peers by itself, on all planes, and keeps dialling. It is on
 * file, so that an agent that was killed doesn't begin a new one.
 */
export class Horizon {
  readonly #o: HorizonOptions;
  /** Null: nothing was granted, and so no peer was set. */
  #untilMs: number | null;

  private constructor(options: HorizonOptions, untilMs: number | null) {
    this.#o = options;
    this.#untilMs = untilMs;
  }

  /** Takes up the horizon of an earlier life in this boot. A place without one has no right to its peers. */
  static async start(options: HorizonOptions): Promise<Horizon> {
    const stored = await load(options);
    const horizon = new Horizon(options, stored ?? (options.planes.place === null ? null : 0));
    // A kernel that doesn't take the change is asked again by watch().
    await horizon.check().catch(() => undefined);
    return horizon;
  }

  /** Peers may be used until then; if they were dropped, they come back. */
  async grant(untilMs: number): Promise<void> {
    const { ports, planes, status, bootId } = this.#o;
    this.#untilMs = untilMs;
    await ports.files.write(PATHS.horizon, canonicalJson({ kind: "kubedos/horizon", version: 1, bootId, untilMs }), { mode: 0o600 });
    if (this.#isOver()) return await this.check();
    await planes.setAdrift(false);
    if (planes.place !== null) {
      const { id, name, index } = planes.place;
      status.node({ state: "admitted", id, name, index, message: "connected to the hub" });
    }
  }

  /** Drops the peers if their time is over. Called before anything that the hub says is looked at, and by {@link watch}. */
  async check(): Promise<void> {
    const { planes, status } = this.#o;
    if (planes.place === null || !this.#isOver()) return;
    const first = !planes.adrift;
    await planes.setAdrift(true);
    if (!first) return;
    const { id, name, index } = planes.place;
    status.node({ state: "adrift", id, name, index, message: "the hub has not renewed this node in time, so all peers were dropped" });
  }

  /** Forgets it: the hub took the identity back. */
  async clear(): Promise<void> {
    this.#untilMs = null;
    await this.#o.ports.files.remove(PATHS.horizon);
  }

  /** Checks until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#o.ports;
    while (!signal.aborted) {
      const leftMs = (this.#untilMs ?? Infinity) - clock.bootTime();
      await clock.sleep(leftMs > 0 ? Math.min(WATCH_MS, leftMs) : WATCH_MS, signal);
      if (!signal.aborted) await this.check().catch(() => undefined);
    }
  }

  #isOver(): boolean {
    return this.#untilMs !== null && this.#o.ports.clock.bootTime() >= this.#untilMs;
  }
}

async function load({ ports, bootId }: HorizonOptions): Promise<number | null> {
  try {
    const data = await ports.files.read(PATHS.horizon, MAX_HORIZON_BYTES);
    if (data === null) return null;
    const stored = parseJson(horizonSchema, data, MAX_HORIZON_BYTES);
    return stored.bootId === bootId ? stored.untilMs : null;
  } catch {
    return null;
  }
}
