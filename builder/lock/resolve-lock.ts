import type { RoleDefinition } from "../roles/role.ts";
import { ToolError } from "../toolchain/error.ts";
import type { Report } from "../toolchain/report.ts";
import { type AptRoot, withAptRoot } from "./apt-root.ts";
import { describeSet } from "./describe.ts";
import { LockError } from "./error.ts";
import { type Lock, type LockedPackage, lockSchema, type Origin } from "./lock.ts";
import { type Archive, type ArchiveEntry, readArchive } from "./read-archive.ts";

/** What is to be locked. */
export interface ResolveRequest {
  readonly origins: readonly Origin[];
  /** Absolute path; every origin's InRelease must verify with it. */
  readonly keyring: string;
  /** The lists: of the tree under every role, of the tools, and what each role adds. */
  readonly base: readonly string[];
  readonly toolchain: readonly string[];
  readonly roles: readonly Pick<RoleDefinition, "name" | "packages">[];
  /** The package of `toolchain` that holds the stub. */
  readonly stub: string;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

const KERNEL = /^linux-image-[0-9]/;

/** Asks the archive of now for every package of every list, and for all that these need. Throws LockError or ToolError. */
export async function resolveLock(request: ResolveRequest): Promise<Lock> {
  const { origins, report } = request;
  report(`asking ${[...new Set(origins.map((o) => o.mirror))].join(" and ")} what there is`);
  return await withAptRoot(request, async (apt) => {
    const archive = await readArchive(apt, origins);
    report("resolving packages");
    const base = await resolveSet(apt, archive, "base", request.base);
    const sets = new Map([["base", base], ["toolchain", await resolveSet(apt, archive, "toolchain", request.toolchain)]]);
    for (const { name, packages } of request.roles) sets.set(`role/${name}`, await addedBy(apt, archive, request.base, base, `role/${name}`, packages));
    return sumUp(request, sets);
  });
}

/** What a role's own packages bring beside the base tree, which they may not change. */
async function addedBy(apt: AptRoot, archive: Archive, baseWanted: readonly string[], base: readonly ArchiveEntry[], set: string, wanted: readonly string[]): Promise<readonly ArchiveEntry[]> {
  if (wanted.length === 0) return [];
  const all = await resolveSet(apt, archive, set, [...baseWanted, ...wanted]);
  const lost = base.find((entry) => !all.some((e) => e.name === entry.name && e.version === entry.version));
  if (lost !== undefined) throw new LockError("UNRESOLVABLE", `with the packages of ${set} the base tree could not keep ${lost.name} ${lost.version}`);
  return all.filter((entry) => !base.some((b) => b.name === entry.name));
}

/** A list's closure: what mmdebstrap's minbase would install for it, from apt's own resolver. */
async function resolveSet(apt: AptRoot, archive: Archive, set: string, wanted: readonly string[]): Promise<readonly ArchiveEntry[]> {
  const missing = wanted.find((name) => !archive.entries.has(name));
  if (missing !== undefined) throw new LockError("NO_SUCH_PACKAGE", `${describeSet(set)} wants package ${missing}, which the archive doesn't have`);
  const names = [...new Set([...archive.required, ...wanted])];
  let said: string;
  try {
    said = (await apt.run(["apt-get", "install", "--simulate", "--quiet", "--", ...names])).stdout;
  } catch (cause) {
    if (!(cause instanceof ToolError) || cause.code !== "FAILED") throw cause;
    throw new LockError("UNRESOLVABLE", `apt finds no packages that fit ${describeSet(set)}: ${unmet(cause)}`, "", { cause });
  }
  const found = [...said.matchAll(/^Inst (\S+) \((\S+) .*\[(amd64|all)\]\)/gm)].map(([, name = "", version = ""]) => {
    const entry = archive.entries.get(name)?.find((e) => e.version === version);
    if (entry === undefined) throw new LockError("UNRESOLVABLE", `apt chose ${name} ${version} for ${describeSet(set)}, which no index holds`);
    return entry;
  });
  const left = wanted.find((name) => !found.some((e) => e.name === name));
  if (left !== undefined) throw new LockError("UNRESOLVABLE", `apt left out ${left}, which ${describeSet(set)} wants`);
  return found;
}

/** "frr : Depends: libyang3 but it is not installable": apt explains itself on stdout, in an indented list. */
function unmet(cause: ToolError): string {
  const lines = cause.stdout.split("\n").filter((line) => /^ +\S/.test(line));
  return (lines.length > 0 ? lines : cause.message.split("\n").slice(1)).map((line) => line.trim()).join("; ");
}

function sumUp(request: ResolveRequest, resolved: ReadonlyMap<string, readonly ArchiveEntry[]>): Lock {
  const packages = new Map<string, LockedPackage>();
  for (const [set, entries] of resolved) {
    for (const entry of entries) {
      const known = packages.get(entry.name);
      if (known !== undefined && known.sha256 !== entry.sha256) throw new LockError("UNRESOLVABLE", `${entry.name} would be ${known.version} in one tree and ${entry.version} in another`);
      packages.set(entry.name, { ...entry, architecture: entry.architecture === "all" ? "all" : "amd64", in: [...(known?.in ?? []), set].sort() });
    }
  }
  const wanted: readonly (readonly [string, readonly string[]])[] = [["base", request.base], ["toolchain", request.toolchain], ...request.roles.map((r) => [`role/${r.name}`, r.packages] as const)];
  const byName = <T extends { readonly name: string }>(a: T, b: T): number => (a.name < b.name ? -1 : 1);
  const kernels = (resolved.get("base") ?? []).filter((e) => KERNEL.test(e.name));
  if (kernels.length !== 1) throw new LockError("UNRESOLVABLE", `the base tree must hold one kernel, and there are ${kernels.length}`);
  // The archive is signed, but what becomes a path or an argument is looked at once more.
  return lockSchema.parse({
    kind: "kubedos/lock",
    version: 1,
    architecture: "amd64",
    kernel: kernels[0]?.name,
    stub: request.stub,
    origins: [...request.origins].sort(byName),
    sets: wanted.map(([name, list]) => ({ name, wanted: [...list].sort() })).sort(byName),
    packages: [...packages.values()].sort(byName),
  });
}
