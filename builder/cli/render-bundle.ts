import { BUNDLE } from "../bundle/make-bundle.ts";
import type { VerifiedBundle } from "../bundle/verify-bundle.ts";
import { renderTable } from "./render-table.ts";

/** What a check of a bundle leaves open, for people and for `-o json`. */
interface NotChecked {
  readonly what: string;
  readonly why: string;
}

function notChecked({ release }: VerifiedBundle): readonly NotChecked[] {
  const disks = (release?.images ?? []).map(({ role }): NotChecked => ({ what: `the disk of ${role}`, why: "a bundle has none; what the documents say of it agrees" }));
  return [
    ...disks,
    { what: `spec and roles in ${BUNDLE.inputs}`, why: "nobody signed them: a rebuild says what comes out" },
    { what: `the rest of ${BUNDLE.signatures}`, why: "a rebuild uses each only where it fits" },
    { what: `the program in ${BUNDLE.builder}`, why: "nobody signed it" },
    { what: "the rebuild itself", why: "nothing was built" },
  ];
}

function nextOf({ dir, findings }: VerifiedBundle): string {
  return findings.length === 0 ? `kubedos-build rebuild ${dir} --out DIR` : "";
}

/** For `-o json`. */
export function describeBundle(found: VerifiedBundle): object {
  const { dir, files, bytes, release, checks, findings } = found;
  const said = release === undefined ? null : { id: release.id, cluster: release.cluster, generation: release.generation };
  return { bundle: { dir, files, bytes }, release: said, checks, findings, notChecked: notChecked(found), next: nextOf(found) };
}

/** What was checked, what is wrong and, as plainly, what was not checked. */
export function renderBundle(found: VerifiedBundle): string {
  const checks = renderTable(["CHECKED", "WITH", "RESULT"], found.checks.map((c) => [c.what, c.with, c.result]));
  const faults = found.findings.length === 0 ? "" : `\n${renderTable(["CODE", "FILE", "WHAT"], found.findings.map((f) => [f.code, f.file, f.what]))}`;
  const open = `\n${renderTable(["NOT CHECKED", "WHY"], notChecked(found).map((n) => [n.what, n.why]))}`;
  const next = nextOf(found);
  return checks + faults + open + (next === "" ? "" : `next: ${next}\n`);
}
