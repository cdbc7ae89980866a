import type { Hello, Refusal } from "../../proto/gen/kubedos/v1/node.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { slotOfEk } from "./ek-anchor.ts";
import type { HubContext } from "./hub-context.ts";
import { OncePerHour } from "./once-per-hour.ts";

/** Rows an hour about machines that this hub has no reason to know. Whoever sends hellos chooses their keys, so they share one bound. */
export const MAX_STRANGER_ROWS = 64;
/** Rows an hour about proven machines and those that a pin names: each has its own, so this is more than any cluster needs. */
const MAX_KNOWN_ROWS = 4096;

/**
 * Which refused hellos the audit keeps: each EK and code once an hour (without an EK, each source and code). A hello proves nothing, also
 * not that it comes from the machine whose EK it names; so rows are bounded for strangers altogether, and a flood of them hides no
 * machine that the hub knows. Forgets at a restart.
 */
export class HelloAudit {
  readonly #context: HubContext;
  readonly #known = new OncePerHour(MAX_KNOWN_ROWS);
  readonly #strangers = new OncePerHour(MAX_STRANGER_ROWS);

  constructor(context: HubContext) {
    this.#context = context;
  }

  /** Keeps a row, or not. Throws what the database throws. */
  refused(hello: Hello, refusal: Pick<Refusal, "code" | "id" | "message">, source: string): void {
    const { code, id, message } = refusal;
    const now = this.#context.ports.clock.monotonicMs();
    // Without an id no key was looked at yet: too many attempts, a wrong size, another cluster.
    const key = `${code} ${id === "" ? source : id}`;
    if (this.#known.has(key, now) || this.#strangers.has(key, now)) return;
    const ekName = id === "" ? null : toHex(nameOf(new Uint8Array(hello.ekPublic)));
    const known = ekName !== null && this.#isKnown(id, ekName);
    const kept = (known ? this.#known : this.#strangers).add(key, now);
    if (kept) return this.#append(id === "" ? "hello" : id, code, `${source}: ${message}${known || ekName === null ? "" : `, EK ${ekName}`}`);
    if (this.#known.add("more", now)) this.#append("hello", code, `${MAX_STRANGER_ROWS} strangers were turned away within an hour: more are not written down`);
  }

  #isKnown(id: string, ekName: string): boolean {
    return slotOfEk(this.#context, ekName) !== undefined || this.#context.store.identities.byId(id)?.proven === true;
  }

  #append(subject: string, code: string, detail: string): void {
    const { store } = this.#context;
    store.transaction(() => store.audit.append({ actor: "hub", action: "turn-away", subject, code, detail }));
  }
}
