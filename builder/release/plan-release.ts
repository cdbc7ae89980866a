import { imageInputs } from "../../proto/spec/image-inputs.ts";
import { type ClusterSpec, MASTER_ROLE } from "../../proto/spec/schema.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { type DarksiteSource, fillCache } from "../darksite/fill-cache.ts";
import { BuildError } from "../error.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import { ensureCacheLock } from "../lock/cache-lock.ts";
import { type Lock, lockDigest } from "../lock/lock.ts";
import { treeInputs } from "../lock/locked-tree.ts";
import { checkLockFits, wantedSets } from "../lock/wanted.ts";
import { findRole } from "../roles/read-roles.ts";
import { roleInLock } from "../roles/role-in-lock.ts";
import type { RoleDefinition } from "../roles/role.ts";
import { ensureBase } from "../rootfs/ensure-base.ts";
import { ensureLayer, layerInputs } from "../rootfs/ensure-layer.ts";
import { ensureToolchain, type Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { VERSION } from "../version.ts";
import { imageKey, type ImageInputs } from "./assemble-image.ts";
import { AGENT, compileProgram, HUB, type Program } from "./compile-program.ts";
import { mapLimited } from "./map-limited.ts";
import { makeImageConfig } from "./make-image-config.ts";
import { sourceDigest } from "./source-digest.ts";

/** Sources of ours that shape an image, and those that shape only what the release says of it. */
const IMAGE_RECIPE = ["builder/disk", "builder/distro", "builder/efi", "builder/initrd", "builder/pe", "builder/release", "builder/roles", "builder/rootfs", "builder/uki", "rootfs-overlay", "systemd"];
const RELEASE_RECIPE = ["builder/measure", "builder/provenance", "builder/sbom", "builder/sign", "proto/release", "proto/tpm"];

/** Each copies the base tree and unpacks beside it. */
const PARALLEL_LAYERS = 2;

/** What a plan depends on. */
export interface PlanRequest {
  readonly spec: ClusterSpec;
  /** Every role that the spec may name (read-roles.ts). */
  readonly roles: readonly RoleDefinition[];
  readonly keys: PublicKeys;
  readonly cacheDir: string;
  readonly generation: number;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number;
  /** What packages to take; without it those of the cache's own lock. */
  readonly lock?: Lock | undefined;
  /** Where packages come from before any mirror, or instead of one. */
  readonly darksite?: DarksiteSource | undefined;
  readonly report: Report;
  readonly signal?: AbortSignal;
}

/** Everything that a release is a function of. */
export interface ReleasePlan {
  readonly tc: Toolchain;
  /** One for each role that the spec uses, none for a node. */
  readonly images: readonly ImageInputs[];
  /** SHA-256 over our sources that shape only what the release says. */
  readonly recipe: string;
  /** 16 hex digits over all of it. */
  readonly id: string;
}

/** Checks the spec against the roles and the keys. Gives the roles to be built, sorted by name. Throws BuildError. */
export function validate({ spec, roles, keys }: Pick<PlanRequest, "spec" | "roles" | "keys">): readonly RoleDefinition[] {
  const cluster = spec.metadata.name;
  if (keys.cluster !== cluster) {
    throw new BuildError("WRONG_CLUSTER", `the spec is for cluster "${cluster}", the keys are for "${keys.cluster}"`, `kubedos-build keys init --cluster ${cluster} --dir DIR`);
  }
  const used = usedRoles(spec, roles);
  for (const role of used) {
    const { name } = role;
    if (role.hub !== (name === MASTER_ROLE)) throw new BuildError("UNKNOWN_ROLE", `only "${MASTER_ROLE}" runs the hub`);
    const small = spec.topology.nodes.find((n) => n.role === name && n.vm.memory < role.minMemory);
    if (small !== undefined) throw new BuildError("TOO_LITTLE_MEMORY", `node "${small.name}" has ${small.vm.memory} MiB, role "${name}" needs ${role.minMemory}`);
  }
  return used;
}

/** The roles that a spec names, sorted by name. Throws BuildError `UNKNOWN_ROLE`. */
export function usedRoles(spec: ClusterSpec, roles: readonly RoleDefinition[]): readonly RoleDefinition[] {
  return [...spec.topology.roles].sort().map((name) => findRole(roles, name));
}

/** Finds or makes toolchain, base tree and programs, and sums up all inputs. Throws BuildError, LockError or ToolError. */
export async function planRelease(request: PlanRequest, used: readonly RoleDefinition[]): Promise<ReleasePlan> {
  const { cacheDir, report, signal, keys, spec, epoch, generation } = request;
  const cluster = spec.metadata.name;
  const lock = request.lock ?? (await ensureCacheLock(cacheDir, used, report, signal));
  checkLockFits(lock, wantedSets(used), "kubedos-build lock SPEC -o LOCK --update");
  if (request.darksite !== undefined) await fillCache({ ...request.darksite, cacheDir, packages: lock.packages, report, signal });
  const tc = await ensureToolchain(cacheDir, report, signal, lock);
  const base = await ensureBase(cacheDir, tc, report, signal);
  const common = { cluster, base, recipe: await sourceDigest(IMAGE_RECIPE), epoch };
  const compile = async (program: Program) => ({ name: program.name, compiled: await compileProgram(program, cacheDir, report, signal) });
  const inLock = used.map((role) => ({ role, ...roleInLock(role, lock) }));
  for (const { role, missing } of inLock) for (const { program, why } of missing) report(`${role.name}: ${program} is missing: ${why}`);
  const layers = await mapLimited(inLock, PARALLEL_LAYERS, ({ role, accounts }) => ensureLayer(tc, { cacheDir, base, role: role.name, accounts, report, signal }));
  const images: ImageInputs[] = [];
  for (const [i, { role, units, accounts, missing }] of inLock.entries()) {
    const programs = role.hub ? [await compile(AGENT), await compile(HUB)] : [await compile(AGENT)];
    const config = makeImageConfig({ spec: imageInputs(spec), role, releaseKeys: keys.releaseKeys, policyKey: keys.policyKey, root: keys.root, epoch });
    const policyKey = utf8(keys.policyKey.export({ type: "spki", format: "pem" }).toString());
    const layer = layers[i] ?? base;
    const packages = toHex(sha256(canonicalJson([treeInputs(lock, "base"), layerInputs(tc, role.name, accounts)])));
    const overlay = role.overlay === undefined ? "" : await sourceDigest(["."], role.overlay);
    images.push({ ...common, role, config, policyKey, programs, layer, units, overlay, missing, packages });
  }
  const recipe = await sourceDigest(RELEASE_RECIPE);
  const all = { images: images.map((i) => [i.role.name, imageKey(tc, i)]), missing: images.map((i) => i.missing), generated: images.map((i) => i.role.generated), keys: keys.manifest, generation, lock: lockDigest(lock), recipe, version: VERSION };
  return { tc, images, recipe, id: toHex(sha256(canonicalJson(all))).slice(0, 16) };
}
