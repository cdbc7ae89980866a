import { auditRefusal } from "../enroll/audit-refusal.ts";
import type { Operator } from "../enroll/decide.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { factsOf } from "../enroll/state.ts";
import { BootError } from "../boot-error.ts";
import type { Identity } from "../db/identities.ts";
import type { ReleaseState } from "../db/releases.ts";
import { HubError } from "../error.ts";
import type { Release } from "../../proto/release/release.ts";
import { type HeldRelease, releaseAction } from "./release-book.ts";

/** The risk that withdrawing the last current release of a role takes: until there is another, no machine of that role passes. */
const NO_CURRENT_RELEASE = "no-current-release";
const MAX_SUBJECT = 64;

/**
 * Takes a signed release in, without judging anything by it yet. One that is there already stays as it is. Throws HubError
 * `RELEASE_INVALID`, `ROLLED_BACK` below the floor, `RELEASE_FINAL` for a withdrawn one, `GENERATION_TAKEN`.
 */
export function stageRelease(context: HubContext, envelope: Uint8Array, by: Operator): Promise<HeldRelease> {
  const { releases } = context;
  return decided(context, { by, action: "release-stage", subject: "releases" }, async () => {
    const release = releases.open(envelope);
    checkNew(context, release);
    const held = releases.get(release.id);
    if (held !== null && held.state !== "withdrawn") return held;
    return write(context, { release, envelope, state: "staged", reason: "" }, by);
  });
}

/** Makes a staged release judge from now on, beside those that are current. The TPM's floor is raised first. Throws HubError, also `FLOOR_UNREADABLE`. */
export function activateRelease(context: HubContext, wanted: string, by: Operator): Promise<HeldRelease> {
  const { releases } = context;
  return decided(context, { by, action: "release-activate", subject: wanted }, async () => {
    const held = releases.find(wanted);
    if (held.state === "current") return held;
    checkNew(context, held.release);
    await releases.floor.keep(held.release.generation).catch((cause: unknown) => {
      throw cause instanceof BootError ? new HubError("FLOOR_UNREADABLE", cause.message, { cause }) : cause;
    });
    return write(context, { ...held, state: "current" }, by);
  });
}

/**
 * Ends a release for good: nothing is judged by it again, and whoever runs it is asked for evidence at once and fails. The last
 * current release of a role goes only with the risk named. Throws HubError `NOT_FOUND`, `RELEASE_FINAL`, `LAST_RELEASE`.
 */
export async function withdrawRelease(
  context: HubContext,
  wanted: string,
  options: { readonly by: Operator; readonly reason: string; readonly acceptRisks: readonly string[] },
): Promise<HeldRelease> {
  const { releases } = context;
  const after = await decided(context, { by: options.by, action: "release-withdraw", subject: wanted }, async () => {
    const held = releases.find(wanted);
    if (held.state === "withdrawn") throw new HubError("RELEASE_FINAL", `release ${held.release.id} was withdrawn already`);
    const orphaned = rolesLost(held, releases.current);
    if (orphaned.length > 0 && !options.acceptRisks.includes(NO_CURRENT_RELEASE)) {
      throw new HubError("LAST_RELEASE", `without release ${held.release.id} no current release has an image of ${orphaned.join(", ")}`);
    }
    return write(context, { ...held, state: "withdrawn", reason: options.reason }, options.by);
  });
  for (const { id } of nodesOn(after.release.id, context.store.identities.all())) context.live.get(id)?.renew();
  return after;
}

/** One decision at a time; one that is refused leaves its row too. */
function decided<T>(context: HubContext, what: { readonly by: Operator; readonly action: string; readonly subject: string }, decision: () => Promise<T>): Promise<T> {
  return context.releases.exclusively(async () => {
    try {
      return await decision();
    } catch (error) {
      auditRefusal(context, { by: what.by.name, action: what.action, subject: what.subject.slice(0, MAX_SUBJECT) }, error);
      throw error;
    }
  });
}

/** Those whose last good verdict rests on this release. */
export function nodesOn(release: string, identities: readonly Identity[]): readonly Identity[] {
  return identities.filter(({ state }) => factsOf(state)?.releaseId === release);
}

function rolesLost({ release, state }: HeldRelease, current: readonly Release[]): readonly string[] {
  if (state !== "current") return [];
  const left = new Set(current.filter((r) => r.id !== release.id).flatMap((r) => r.images.map((i) => i.role)));
  return [...new Set(release.images.map((i) => i.role))].filter((role) => !left.has(role));
}

/** What stands against a release that isn't current yet. */
function checkNew({ releases }: HubContext, release: Release): void {
  const { id, generation } = release;
  if (releases.isWithdrawn(id)) throw new HubError("RELEASE_FINAL", `release ${id} was withdrawn, which is final; build one of a higher generation`);
  if (releases.isCurrent(id)) return;
  const rival = releases.rivalOf(release);
  if (rival !== null) throw new HubError("GENERATION_TAKEN", `generation ${generation} is release ${rival.release.id}'s; an approval names a generation alone`);
  const floor = releases.floor.value;
  if (generation < floor) throw new HubError("ROLLED_BACK", `release ${id} has generation ${generation}, and generation ${floor} was current here already`);
}

function write(context: HubContext, next: Pick<HeldRelease, "release" | "envelope" | "reason"> & { readonly state: ReleaseState }, by: Operator): HeldRelease {
  const { store, releases, ports } = context;
  const { release, envelope, state, reason } = next;
  const { id, generation } = release;
  const sinceMs = ports.clock.wallMs();
  store.transaction(() => {
    if (state === "current" && generation > store.meta.counter("release_generation")) store.meta.raise("release_generation", generation);
    store.releases.put({ id, generation, state, envelope, reason, sinceMs });
    store.audit.append({ actor: `operator:${by.name}`, action: releaseAction(state), subject: id, detail: `generation ${generation}${reason === "" ? "" : `: ${reason}`}` });
  });
  releases.load();
  return { release, envelope, state, reason, sinceMs };
}
