import type { RoleDefinition, ThirdParty } from "../roles/role.ts";
import type { Report } from "../toolchain/report.ts";
import { type AptRoot, type ThirdPartyOrigin, withAptRoot } from "./apt-root.ts";
import { LockError } from "./error.ts";
import { type Lock, type LockedPackage, lockSchema, type Origin } from "./lock.ts";
import { type Archive, type ArchiveEntry, readArchive } from "./read-archive.ts";
import { resolveSet } from "./resolve-set.ts";

/** What of a role a lock is about. */
export type LockedRole = Pick<RoleDefinition, "name" | "packages"> & { readonly thirdParty?: RoleDefinition["thirdParty"] };

/** What is to be locked. */
export interface ResolveRequest {
  readonly origins: readonly Origin[];
  /** Absolute path; every origin's InRelease must verify with it. */
  readonly keyring: string;
  /** The lists: of the tree under every role, of the tools, and what each role adds. */
  readonly base: readonly string[];
  readonly toolchain: readonly string[];
  readonly roles: readonly LockedRole[];
  /** The package of `toolchain` that holds the stub. */
  readonly stub: string;
  /** Names of packages with a kernel. */
  readonly kernel: RegExp;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Asks the archives of now for every package of every list, and for all that these need. Throws LockError or ToolError. */
export async function resolveLock(request: ResolveRequest): Promise<Lock> {
  const { origins, roles, report } = request;
  const thirdParty = thirdPartyOrigins(roles);
  report(`asking ${[...new Set([...origins, ...thirdParty.map((o) => o.origin)].map((o) => o.mirror))].join(" and ")} what there is`);
  return await withAptRoot({ ...request, thirdParty }, async (apt) => {
    const archive = await readArchive(apt, origins, thirdParty.map((o) => o.origin));
    report("resolving packages");
    const base = await resolveSet(apt, archive, "base", request.base);
    const sets = new Map([["base", base], ["toolchain", await resolveSet(apt, archive, "toolchain", request.toolchain)]]);
    for (const role of roles) sets.set(`role/${role.name}`, await addedBy(apt, archive, request.base, base, role));
    return sumUp(request, thirdParty, sets);
  });
}

/** The parts of a role whose origin somebody vouches for. */
export function vouchedParts(role: LockedRole): readonly (ThirdParty & Required<Pick<ThirdParty, "keys">>)[] {
  return (role.thirdParty ?? []).flatMap((part) => (part.keys === undefined ? [] : [{ ...part, keys: part.keys }]));
}

/** Everything that a role asks of a lock made now, sorted. */
export function lockedList(role: LockedRole): readonly string[] {
  return [...role.packages, ...vouchedParts(role).flatMap((part) => part.packages)].sort();
}

/** One for each name. Throws LockError `UNRESOLVABLE` where two roles mean two things by one name. */
function thirdPartyOrigins(roles: readonly LockedRole[]): readonly ThirdPartyOrigin[] {
  const found = new Map<string, ThirdPartyOrigin>();
  for (const { origin, keys } of roles.flatMap(vouchedParts)) {
    const one: ThirdPartyOrigin = { origin: { ...origin, keys: [...keys.fingerprints] }, keyring: keys.keyring };
    const known = found.get(origin.name);
    if (known !== undefined && JSON.stringify(known.origin) !== JSON.stringify(one.origin)) throw new LockError("UNRESOLVABLE", `two roles call two different origins "${origin.name}"`);
    found.set(origin.name, known ?? one);
  }
  return [...found.values()];
}

/** What a role's own packages bring beside the base tree, which they may not change. */
async function addedBy(apt: AptRoot, archive: Archive, baseWanted: readonly string[], base: readonly ArchiveEntry[], role: LockedRole): Promise<readonly ArchiveEntry[]> {
  const set = `role/${role.name}`;
  const wanted = lockedList(role);
  if (wanted.length === 0) return [];
  const all = await resolveSet(apt, archive, set, [...baseWanted, ...wanted], vouchedParts(role));
  const lost = base.find((entry) => !all.some((e) => e.name === entry.name && e.version === entry.version));
  if (lost !== undefined) throw new LockError("UNRESOLVABLE", `with the packages of ${set} the base tree could not keep ${lost.name} ${lost.version}`);
  return all.filter((entry) => !base.some((b) => b.name === entry.name));
}

function sumUp(request: ResolveRequest, thirdParty: readonly ThirdPartyOrigin[], resolved: ReadonlyMap<string, readonly ArchiveEntry[]>): Lock {
  const packages = new Map<string, LockedPackage>();
  for (const [set, entries] of resolved) {
    for (const entry of entries) {
      const known = packages.get(entry.name);
      if (known !== undefined && known.sha256 !== entry.sha256) throw new LockError("UNRESOLVABLE", `${entry.name} would be ${known.version} in one tree and ${entry.version} in another`);
      packages.set(entry.name, { ...entry, architecture: entry.architecture === "all" ? "all" : "amd64", in: [...(known?.in ?? []), set].sort() });
    }
  }
  const wanted: readonly (readonly [string, readonly string[]])[] = [["base", request.base], ["toolchain", request.toolchain], ...request.roles.map((r) => [`role/${r.name}`, lockedList(r)] as const)];
  const byName = <T extends { readonly name: string }>(a: T, b: T): number => (a.name < b.name ? -1 : 1);
  const kernels = (resolved.get("base") ?? []).filter((e) => request.kernel.test(e.name));
  if (kernels.length !== 1) throw new LockError("UNRESOLVABLE", `the base tree must hold one kernel, and there are ${kernels.length}`);
  // The archive is signed, but what becomes a path or an argument is looked at once more.
  return lockSchema.parse({
    kind: "kubedos/lock",
    version: 1,
    architecture: "amd64",
    kernel: kernels[0]?.name,
    stub: request.stub,
    origins: [...request.origins, ...thirdParty.map((o) => o.origin)].sort(byName),
    sets: wanted.map(([name, list]) => ({ name, wanted: [...list].sort() })).sort(byName),
    packages: [...packages.values()].sort(byName),
  });
}
