import { z } from "zod";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import { LockError } from "./error.ts";
import { extrasSchema, type LockExtras } from "./extras.ts";

/** A toolchain and 16 roles with 1000 packages of 400 bytes each fit ten times, and 100,000 files of a darksite. */
const MAX_LOCK_BYTES = 64 * 1024 * 1024;
/** No .deb of Debian is larger than 2 GiB; the number also bounds what a mirror may send. */
const MAX_DEB_BYTES = 4 * 1024 ** 3;

// Each of these becomes a word of an argv, a line of an apt file or a path: Debian Policy 5.6.1, 5.6.12 and nothing wider.
/** See Debian Policy 5.6.1. */
export const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]{1,127}$/, "must be a Debian package name");
const version = z.string().regex(/^[0-9][0-9A-Za-z.+~:-]{0,127}$/, "must be a Debian version");
const mirror = z.string().regex(/^https?:\/\/[0-9A-Za-z.:[\]-]{1,253}(\/[0-9A-Za-z._~:-]{1,64}){0,8}$/, "must be an http or https address without a slash at its end");
const suite = z.string().regex(/^([a-z][a-z0-9.-]{0,63}|\/)$/, "must be a suite's name, or / for a mirror without suites");
const component = z.string().regex(/^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/, "must be a component's name");
const poolPath = z.string().max(512).regex(/^(?!.*(^|\/)\.)[0-9A-Za-z][0-9A-Za-z+.~_-]*(\/[0-9A-Za-z+.~_-]+){0,8}\.deb$/, "must be the path of a .deb under the mirror");
const setName = z.string().regex(/^(base|toolchain|role\/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$/, "must be base, toolchain or role/NAME");

/**
 * Where packages come from: one component of one suite of one mirror, or all of a mirror that has no suites (suite "/", no component). `name`
 * is what packages of the lock call it; `keys` are the fingerprints of a third party's keys, absent for the distribution itself.
 */
export const originSchema = z.strictObject({
  name: dnsLabel,
  mirror,
  suite,
  component: component.default(""),
  keys: z.array(z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, "must be a fingerprint")).min(1).max(16).optional(),
});
/** See {@link originSchema}. */
export type Origin = z.output<typeof originSchema>;

/** One .deb: size in bytes, SHA-256 of the file, its path under the origin's mirror, and the sets that hold it. */
export const lockedPackageSchema = z.strictObject({
  name: packageName,
  version,
  architecture: z.enum(["amd64", "all"]),
  size: z.int().min(1).max(MAX_DEB_BYTES),
  sha256: hexText(32),
  origin: dnsLabel,
  path: poolPath,
  in: z.array(setName).min(1).max(66),
});
/** See {@link lockedPackageSchema}. */
export type LockedPackage = z.output<typeof lockedPackageSchema>;

/** A list that was resolved: `base` for every role's tree, `role/NAME` for what a role adds, `toolchain`; `wanted` is the list itself. */
export const lockedSetSchema = z.strictObject({ name: setName, wanted: z.array(packageName).max(1024) });
/** See {@link lockedSetSchema}. */
export type LockedSet = z.output<typeof lockedSetSchema>;

/** Everything that a build takes from Debian, and what a darksite holds beside it. Lists are sorted by name; a name has one version in all sets. */
export const lockSchema = z
  .strictObject({
    kind: z.literal("kubedos/lock"),
    version: z.literal(1),
    architecture: z.literal("amd64"),
    /** The package of `base` whose kernel boots, and the package of `toolchain` whose stub starts it. */
    kernel: packageName,
    stub: packageName,
    origins: z.array(originSchema).min(1).max(64),
    sets: z.array(lockedSetSchema).min(1).max(66),
    packages: z.array(lockedPackageSchema).min(1).max(16384),
    ...extrasSchema,
  })
  .check((ctx) => {
    for (const message of contradictions(ctx.value)) ctx.issues.push({ code: "custom", input: ctx.value, message });
  });
/** See {@link lockSchema}. */
export type Lock = z.output<typeof lockSchema>;

/** The lock as a file: JSON with sorted keys, one line for each package, so that a change reads well in a diff. */
export function encodeLock(lock: Lock): Uint8Array {
  const lines = Object.entries(lock)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${JSON.stringify(key)}: ${Array.isArray(value) ? `[\n${value.map((item) => `  ${text(item)}`).join(",\n")}\n ]` : text(value)}`);
  return utf8(`{\n ${lines.join(",\n ")}\n}\n`);
}

function text(value: unknown): string {
  return new TextDecoder().decode(canonicalJson(value));
}

/** The bytes of a lock file → lock; they must be the one encoding of what they say. Throws LockError `BAD_LOCK`; `file` is for people. */
export function parseLock(data: Uint8Array, file: string): Lock {
  let lock: Lock;
  try {
    lock = parseJson(lockSchema, data, MAX_LOCK_BYTES);
  } catch (cause) {
    throw new LockError("BAD_LOCK", `${file} is no lock: ${cause instanceof Error ? cause.message : "unreadable"}`, "move it away and make a new one with kubedos-build lock", { cause });
  }
  if (Buffer.compare(encodeLock(lock), data) === 0) return lock;
  throw new LockError("BAD_LOCK", `${file} was changed by hand: it is not in the form that kubedos-build lock writes`, "move it away and make a new one with kubedos-build lock");
}

/** SHA-256 of the lock's file, hex: one of the release's inputs. */
export function lockDigest(lock: Lock): string {
  return toHex(sha256(encodeLock(lock)));
}

/** The packages of one set, sorted by name. */
export function packagesOf(lock: Lock, set: string): readonly LockedPackage[] {
  return lock.packages.filter((p) => p.in.includes(set));
}

/** What a schema of fields alone can't say: order, and that every name leads somewhere. */
function* contradictions(lock: Pick<Lock, "kernel" | "stub" | "origins" | "sets" | "packages"> & LockExtras): Generator<string> {
  const { origins, sets, packages, containers = [], files = [], wheels = [] } = lock;
  const lists = [packages, origins, sets, containers, files, wheels].map((list) => list.map((item) => item.name));
  for (const list of [...lists, ...sets.map((s) => s.wanted), ...packages.map((p) => p.in)]) {
    const at = list.findIndex((name, i) => i > 0 && name <= (list[i - 1] ?? ""));
    if (at > 0) yield `"${list[at]}" stands twice or out of order`;
  }
  for (const o of origins) if ((o.suite === "/") !== (o.component === "")) yield `origin ${o.name}: a suite has a component, and what has no suites has none`;
  const byName = new Map(packages.map((p) => [p.name, p]));
  const isIn = (name: string, ...wanted: string[]): boolean => wanted.some((set) => byName.get(name)?.in.includes(set) === true);
  for (const p of packages) {
    if (!origins.some((o) => o.name === p.origin)) yield `${p.name} comes from "${p.origin}", which is no origin of this lock`;
    const unknown = p.in.find((name) => !sets.some((s) => s.name === name));
    if (unknown !== undefined) yield `${p.name} is in "${unknown}", which is no set of this lock`;
  }
  for (const set of sets) {
    const missing = set.wanted.find((name) => !isIn(name, set.name, ...(set.name.startsWith("role/") ? ["base"] : [])));
    if (missing !== undefined) yield `${set.name} wants ${missing}, which this lock doesn't hold`;
  }
  if (!isIn(lock.kernel, "base")) yield `the kernel ${lock.kernel} is not in base`;
  if (!isIn(lock.stub, "toolchain")) yield `the stub ${lock.stub} is not in toolchain`;
}
