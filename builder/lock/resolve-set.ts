import type { ThirdParty } from "../roles/role.ts";
import { ToolError } from "../toolchain/error.ts";
import type { AptRoot, AptView } from "./apt-root.ts";
import { describeSet } from "./describe.ts";
import { LockError } from "./error.ts";
import type { Archive, ArchiveEntry } from "./read-archive.ts";

/**
 * A list's closure: what mmdebstrap's minbase would install for it, from apt's own resolver. Packages that `parts` name come from the part's
 * origin, also where the distribution has something else of that name; whatever they need comes from the distribution where it has it.
 * Throws LockError `NO_SUCH_PACKAGE` or `UNRESOLVABLE`, ToolError.
 */
export async function resolveSet(apt: AptRoot, archive: Archive, set: string, wanted: readonly string[], parts: readonly ThirdParty[] = []): Promise<readonly ArchiveEntry[]> {
  const find = candidates(archive, parts);
  const missing = wanted.find((name) => find(name).length === 0);
  if (missing !== undefined) throw new LockError("NO_SUCH_PACKAGE", `${describeSet(set)} wants package ${missing}, which ${whose(parts, missing)} doesn't have`);
  const names = [...new Set([...archive.required, ...wanted])];
  let said: string;
  try {
    said = (await apt.run(["apt-get", "install", "--simulate", "--quiet", "--", ...names], parts.length === 0 ? undefined : viewOf(archive, parts))).stdout;
  } catch (cause) {
    if (!(cause instanceof ToolError) || cause.code !== "FAILED") throw cause;
    throw new LockError("UNRESOLVABLE", `apt finds no packages that fit ${describeSet(set)}: ${unmet(cause)}`, "", { cause });
  }
  const found = [...said.matchAll(/^Inst (\S+) \((\S+) .*\[(amd64|all)\]\)/gm)].map(([, name = "", version = ""]) => {
    const entry = find(name).find((e) => e.version === version);
    if (entry === undefined) throw new LockError("UNRESOLVABLE", `apt chose ${name} ${version} for ${describeSet(set)}, which it may not take`);
    return entry;
  });
  const left = wanted.find((name) => !found.some((e) => e.name === name));
  if (left !== undefined) throw new LockError("UNRESOLVABLE", `apt left out ${left}, which ${describeSet(set)} wants`);
  return found;
}

/** The entries from which a package may be taken. */
function candidates(archive: Archive, parts: readonly ThirdParty[]): (name: string) => readonly ArchiveEntry[] {
  return (name) => {
    const part = parts.find((p) => p.packages.includes(name));
    if (part !== undefined) return archive.thirdParty.get(part.origin.name)?.get(name) ?? [];
    return archive.entries.get(name) ?? parts.flatMap((p) => archive.thirdParty.get(p.origin.name)?.get(name) ?? []);
  };
}

/** Keeps apt from what {@link candidates} leaves out: a third party's higher version of a library would else win everywhere. */
function viewOf(archive: Archive, parts: readonly ThirdParty[]): AptView {
  const find = candidates(archive, parts);
  const seen = [...parts.flatMap((p) => [...(archive.thirdParty.get(p.origin.name)?.keys() ?? [])])];
  const refused = [...new Set(seen)].flatMap((name) => {
    const allowed = find(name).map((e) => e.version);
    const all = [...(archive.entries.get(name) ?? []), ...parts.flatMap((p) => archive.thirdParty.get(p.origin.name)?.get(name) ?? [])];
    return [...new Set(all.map((e) => e.version))].filter((version) => !allowed.includes(version)).map((version) => ({ name, version }));
  });
  const preferences = refused.map(({ name, version }) => `Package: ${name}\nPin: version ${version}\nPin-Priority: -1\n`).join("\n");
  return { thirdParty: parts.map((p) => p.origin.name), preferences };
}

function whose(parts: readonly ThirdParty[], name: string): string {
  const origin = parts.find((p) => p.packages.includes(name))?.origin;
  return origin === undefined ? "the archive" : `origin ${origin.name} (${origin.mirror})`;
}

/** "frr : Depends: libyang3 but it is not installable": apt explains itself on stdout, in an indented list. */
function unmet(cause: ToolError): string {
  const lines = cause.stdout.split("\n").filter((line) => /^ +\S/.test(line));
  return (lines.length > 0 ? lines : cause.message.split("\n").slice(1)).map((line) => line.trim()).join("; ");
}
