import type { Lock, LockedPackage } from "./lock.ts";

/** One difference between two locks; null where it wasn't there, or no longer is. For packages the versions, and more only where these are equal. */
export interface LockChange {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** What changes from one lock to another: packages by name, then lists and where packages come from. Empty: they are equal. */
export function diffLocks(from: Lock, to: Lock): readonly LockChange[] {
  const wanted = (lock: Lock): Facts => lock.sets.flatMap((s) => [[s.name, "resolved"] as const, ...s.wanted.map((name) => [`${s.name} wants ${name}`, "listed"] as const)]);
  const origins = (lock: Lock): Facts => lock.origins.map((o) => [`origin ${o.name}`, `${o.mirror} ${o.suite} ${o.component}`]);
  const rest = (lock: Lock): Facts => [["kernel", lock.kernel], ["stub", lock.stub]];
  const files = (lock: Lock): Facts => (lock.files ?? []).map((f) => [`file ${f.name}`, `${f.version} ${f.url} (${f.size} bytes, SHA-256 ${f.sha256})`]);
  const wheels = (lock: Lock): Facts => (lock.wheels ?? []).map((w) => [`wheel ${w.name}`, `${w.file} (SHA-256 ${w.sha256})`]);
  const containers = (lock: Lock): Facts => (lock.containers ?? []).map((c) => [`container ${c.name}`, `sha256:${c.sha256}`]);
  return [...diffPackages(from.packages, to.packages), ...[containers, files, wheels, wanted, origins, rest].flatMap((facts) => diffFacts(facts(from), facts(to)))];
}

type Facts = readonly (readonly [string, string])[];

function diffFacts(from: Facts, to: Facts): readonly LockChange[] {
  const [old, now] = [new Map(from), new Map(to)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.filter((name) => old.get(name) !== now.get(name)).map((name) => ({ name, from: old.get(name) ?? null, to: now.get(name) ?? null }));
}

/** From the coarsest to the finest: the first that tells two packages apart is what people are shown. */
const DETAILS: readonly ((p: LockedPackage) => string)[] = [
  (p) => p.version,
  (p) => `${p.version} (SHA-256 ${p.sha256})`,
  (p) => `${p.version} (${p.in.join(", ")})`,
  (p) => `${p.version} (${p.origin} ${p.path}, ${p.architecture}, ${p.size} bytes)`,
];

function diffPackages(from: readonly LockedPackage[], to: readonly LockedPackage[]): readonly LockChange[] {
  const facts = (list: readonly LockedPackage[]): Facts => list.map((p) => [p.name, DETAILS.map((tell) => tell(p)).join()]);
  return diffFacts(facts(from), facts(to)).map(({ name }) => {
    const [old, now] = [from, to].map((list) => list.find((p) => p.name === name));
    const tell = DETAILS.find((d) => old === undefined || now === undefined || d(old) !== d(now)) ?? DETAILS[0];
    return { name, from: old === undefined ? null : (tell?.(old) ?? null), to: now === undefined ? null : (tell?.(now) ?? null) };
  });
}

/** A change as one line: "openssl  3.5.4-1 → 3.5.9-1". */
export function describeChange(change: LockChange): string {
  return `${change.name}  ${change.from ?? "(not there)"} → ${change.to ?? "(gone)"}`;
}
