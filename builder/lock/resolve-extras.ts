import { resolveImage } from "../containers/resolve-image.ts";
import { mapToEnd } from "../fetch/map-to-end.ts";
import type { Report } from "../toolchain/report.ts";
import { LockError } from "./error.ts";
import type { LockExtras } from "./extras.ts";
import { learnFile } from "./learn-file.ts";
import { resolveWheel } from "./resolve-wheel.ts";
import type { Wants } from "./wants.ts";

const AT_ONCE = 4;

/**
 * Asks registries, package indexes and servers for what is wanted beside Debian's packages; `known` is an earlier lock, whose files
 * hold. Throws FetchError or ToolError.
 */
export async function resolveExtras(wants: Wants, known: LockExtras | undefined, report: Report, signal?: AbortSignal): Promise<LockExtras> {
  const { images, files, wheels, wheelIndex } = wants;
  if (images.length > 0) report(`asking registries for ${images.length} container image${images.length === 1 ? "" : "s"}`);
  const containers = await mapToEnd(images, AT_ONCE, resolveImage, signal);
  if (wheels.length > 0) report(`asking ${wheelIndex} for ${wheels.length} wheel${wheels.length === 1 ? "" : "s"}`);
  const foundWheels = await mapToEnd(wheels, AT_ONCE, (requirement, either) => resolveWheel(requirement, wheelIndex, either), signal);
  const learnt = await mapToEnd(files, 1, (file, either) => learnFile(file, known?.files?.find((f) => f.name === file.name), report, either), signal);
  return {
    ...(containers.length === 0 ? {} : { containers }),
    ...(learnt.length === 0 ? {} : { files: learnt }),
    ...(foundWheels.length === 0 ? {} : { wheels: [...foundWheels].sort((a, b) => (a.name < b.name ? -1 : 1)) }),
  };
}

/** Whether a lock holds what is wanted, and nothing else. Throws LockError `LOCK_STALE`; `next` is for the caller. */
export function checkExtrasFit(lock: LockExtras, wants: Wants, next: string): void {
  const kinds: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["container image", wants.images, (lock.containers ?? []).map((i) => i.name)],
    ["file", wants.files.map((f) => `${f.name} ${f.version} of ${f.url}`), (lock.files ?? []).map((f) => `${f.name} ${f.version} of ${f.url}`)],
    ["wheel", wants.wheels, (lock.wheels ?? []).map((w) => `${w.name}==${w.version}`)],
  ];
  for (const [kind, wanted, locked] of kinds) {
    const added = wanted.find((name) => !locked.includes(name));
    if (added !== undefined) throw new LockError("LOCK_STALE", `${kind} ${added} is wanted, which the lock was not made for`, next);
    const dropped = locked.find((name) => !wanted.includes(name));
    if (dropped !== undefined) throw new LockError("LOCK_STALE", `the lock holds ${kind} ${dropped}, which nobody wants any more`, next);
  }
}
