import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClusterSpec, MASTER_ROLE } from "../../proto/spec/schema.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { BuildError } from "../error.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import type { RoleDefinition } from "../roles/role.ts";
import { findRole, roles } from "../roles/table.ts";
import { type BaseTree, ensureBase } from "../rootfs/ensure-base.ts";
import { BASE_PACKAGES } from "../rootfs/packages.ts";
import { ensureToolchain, type Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { imageKey, type ImageInputs } from "./assemble-image.ts";
import { AGENT, compileProgram, HUB, type Program } from "./compile-program.ts";
import { makeImageConfig } from "./make-image-config.ts";
import { sourceDigest } from "./source-digest.ts";

/** Sources of ours that shape an image, and those that shape only what the release says of it. */
const IMAGE_RECIPE = ["builder/disk", "builder/efi", "builder/initrd", "builder/pe", "builder/release", "builder/roles", "builder/rootfs", "builder/uki", "rootfs-overlay", "systemd"];
const RELEASE_RECIPE = ["builder/measure", "builder/sign", "proto/release"];

/** What a plan depends on. */
export interface PlanRequest {
  readonly spec: ClusterSpec;
  readonly keys: PublicKeys;
  readonly cacheDir: string;
  readonly generation: number;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number;
  readonly report: Report;
  readonly signal?: AbortSignal;
}

/** Everything that a release is a function of. */
export interface ReleasePlan {
  readonly tc: Toolchain;
  /** One for each role that the spec uses, none for a node. */
  readonly images: readonly ImageInputs[];
  /** 16 hex digits over all of it. */
  readonly id: string;
}

/** Checks the spec against the roles and the keys. Gives the roles to be built, in the table's order. Throws BuildError. */
export function validate({ spec, keys }: Pick<PlanRequest, "spec" | "keys">): readonly RoleDefinition[] {
  const cluster = spec.metadata.name;
  if (keys.cluster !== cluster) {
    throw new BuildError("WRONG_CLUSTER", `the spec is for cluster "${cluster}", the keys are for "${keys.cluster}"`, `kubedos-build keys init --cluster ${cluster} --dir DIR`);
  }
  for (const name of spec.topology.roles) {
    const role = findRole(name);
    if (role === undefined) throw new BuildError("UNKNOWN_ROLE", `there is no role "${name}"; known are ${roles.map((r) => r.name).join(", ")}`);
    if (role.hub !== (name === MASTER_ROLE)) throw new BuildError("UNKNOWN_ROLE", `only "${MASTER_ROLE}" runs the hub`);
    const missing = role.packages.find((p) => !BASE_PACKAGES.includes(p));
    if (missing !== undefined) throw new BuildError("MISSING_PACKAGE", `role "${name}" wants package ${missing}, which the base tree doesn't hold`);
    const small = spec.topology.nodes.find((n) => n.role === name && n.vm.memory < role.minMemory);
    if (small !== undefined) throw new BuildError("TOO_LITTLE_MEMORY", `node "${small.name}" has ${small.vm.memory} MiB, role "${name}" needs ${role.minMemory}`);
  }
  return roles.filter((role) => spec.topology.roles.includes(role.name));
}

/** Finds or makes toolchain, base tree and programs, and sums up all inputs. Throws BuildError or ToolError. */
export async function planRelease(request: PlanRequest, used: readonly RoleDefinition[]): Promise<ReleasePlan> {
  const { cacheDir, report, signal, keys, spec, epoch, generation } = request;
  const cluster = spec.metadata.name;
  const tc = await ensureToolchain(cacheDir, report, signal);
  const base = await ensureBase(cacheDir, tc, report, signal);
  const common = { cluster, base, packages: await packagesDigest(base), recipe: await sourceDigest(IMAGE_RECIPE), epoch };
  const compile = async (program: Program) => ({ name: program.name, compiled: await compileProgram(program, cacheDir, report, signal) });
  const images: ImageInputs[] = [];
  for (const role of used) {
    const programs = role.hub ? [await compile(AGENT), await compile(HUB)] : [await compile(AGENT)];
    const config = makeImageConfig({ cluster, role, planes: spec.network.planes, releaseKey: keys.releaseKey, root: keys.root, epoch, trust: spec.trust });
    images.push({ ...common, role, config, programs });
  }
  const all = { images: images.map((i) => [i.role.name, imageKey(tc, i)]), keys: keys.manifest, generation, recipe: await sourceDigest(RELEASE_RECIPE) };
  return { tc, images, id: toHex(sha256(canonicalJson(all))).slice(0, 16) };
}

/** Names and versions of all packages, and the kernel itself. */
async function packagesDigest(base: BaseTree): Promise<string> {
  return toHex(sha256(await readFile(join(base.tree, "var/lib/dpkg/status")), await readFile(base.kernel)));
}
