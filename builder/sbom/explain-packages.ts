import type { Lock, LockedPackage } from "../lock/lock.ts";
import { readStanzas } from "../lock/stanzas.ts";
import { SbomError } from "./error.ts";

/** A package that is in an image: what the lock says of it, and the source package that Debian built it from. */
export interface ImagePackage {
  readonly locked: LockedPackage;
  readonly source: { readonly name: string; readonly version: string };
}

/**
 * The packages of a finished tree's dpkg status, sorted by name: each one the lock's for this role, in the lock's version, and all of those.
 * Throws SbomError `PACKAGE_UNEXPLAINED` or `PACKAGE_ABSENT`.
 */
export function explainPackages(status: string, lock: Lock, role: string): readonly ImagePackage[] {
  const sets = ["base", `role/${role}`];
  const expected = lock.packages.filter((p) => p.in.some((set) => sets.includes(set)));
  const found = [...readStanzas(status, ["Package", "Version", "Architecture", "Status", "Source"])].map((stanza): ImagePackage => {
    const field = (name: string): string => stanza.get(name) ?? "";
    const [name, version] = [field("Package"), field("Version")];
    const locked = expected.find((p) => p.name === name && p.version === version && p.architecture === field("Architecture"));
    if (locked === undefined || field("Status") !== "install ok installed") {
      throw new SbomError("PACKAGE_UNEXPLAINED", `the image of role "${role}" holds package ${name} ${version} (${field("Status")}), which the lock doesn't have for it`);
    }
    return { locked, source: sourceOf(field("Source"), name, version) };
  });
  const absent = expected.find((p) => !found.some((f) => f.locked === p));
  if (absent !== undefined) throw new SbomError("PACKAGE_ABSENT", `the image of role "${role}" holds no package ${absent.name}, which the lock has for it`);
  return found.sort((a, b) => (a.locked.name < b.locked.name ? -1 : 1));
}

/** `Source: NAME (VERSION)`; what isn't said is as in the binary package (deb-control(5)). */
function sourceOf(field: string, name: string, version: string): { readonly name: string; readonly version: string } {
  const said = /^(\S+)(?: \((\S+)\))?$/.exec(field);
  return { name: said?.[1] ?? name, version: said?.[2] ?? version };
}
