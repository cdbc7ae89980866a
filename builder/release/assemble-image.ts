import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { MissingProgram } from "../../proto/release/release.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { hexText } from "../../proto/wire/text.ts";
import { deriveBytes } from "../disk/derive.ts";
import { guidText } from "../efi/guid.ts";
import { buildInitrd } from "../initrd/build-initrd.ts";
import type { RoleDefinition } from "../roles/role.ts";
import { assembleRole, type RoleFile } from "../rootfs/assemble-role.ts";
import type { BaseTree } from "../rootfs/ensure-base.ts";
import type { RoleTree } from "../rootfs/ensure-layer.ts";
import { makeErofs } from "../rootfs/make-erofs.ts";
import { makeVerity } from "../rootfs/make-verity.ts";
import { cachedTree, cacheKey } from "../toolchain/cached-tree.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { assembleUki } from "../uki/assemble.ts";
import type { CompiledProgram } from "./compile-program.ts";
import { commandLine, osRelease } from "./sealed-text.ts";

/** systemd's EFI stub in the toolchain. */
export const STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/** Everything that shapes one role's image, and nothing else. */
export interface ImageInputs {
  readonly cluster: string;
  readonly role: RoleDefinition;
  /** Bytes of /etc/kubedos/image.json. */
  readonly config: Uint8Array;
  /** PEM; the config has the same key. */
  readonly policyKey: Uint8Array;
  readonly programs: readonly { readonly name: string; readonly compiled: CompiledProgram }[];
  readonly base: BaseTree;
  /** The base tree with the role's packages. */
  readonly layer: RoleTree;
  /** What starts once the node is admitted. */
  readonly units: readonly string[];
  /** SHA-256 over the role's overlay. */
  readonly overlay: string;
  /** Of the role's programs those that the image lacks; words of the release, not of the image. */
  readonly missing: readonly MissingProgram[];
  /** SHA-256 over all that the trees were made of: every package's digest, and how. */
  readonly packages: string;
  /** SHA-256 over our sources that make images. */
  readonly recipe: string;
  readonly epoch: number;
}

/** An image before it is signed; paths are in the cache. */
export interface AssembledImage {
  readonly role: string;
  /** Digest of the inputs. */
  readonly key: string;
  readonly root: string;
  readonly verity: string;
  readonly rootHash: string;
  /** Unsigned. */
  readonly uki: string;
  readonly missing: readonly MissingProgram[];
  /** What a machine of the role must have beside its disk. */
  readonly volumes: RoleDefinition["volumes"];
}

/** Digest of {@link ImageInputs}: the same key, the same bytes. */
export function imageKey(tc: Toolchain, inputs: ImageInputs): string {
  const programs = inputs.programs.map((p) => [p.name, p.compiled.key]);
  return cacheKey([tc.key, inputs.base.key, inputs.layer.key, inputs.packages, inputs.units, inputs.overlay, inputs.recipe, inputs.epoch, toHex(sha256(inputs.config)), programs]);
}

/** The cache's name of an image. */
export function imageName(key: string): string {
  return `image-${key}`;
}

/** Finds or makes one role's root file system, hash tree, initrd and unsigned UKI. Throws ToolError, PeError. */
export async function assembleImage(tc: Toolchain, inputs: ImageInputs, cacheDir: string, report: Report, signal?: AbortSignal): Promise<AssembledImage> {
  const key = imageKey(tc, inputs);
  const dir = await cachedTree(cacheDir, imageName(key), async (out) => {
    report(`${inputs.role.name}: assembling the image`);
    await mkdir(out);
    await makeFiles(tc, inputs, key, out, signal === undefined ? {} : { signal });
  });
  const { rootHash } = parseJson(factsSchema, await readFile(join(dir, "facts.json")), 4096);
  return { role: inputs.role.name, key, root: join(dir, "root.erofs"), verity: join(dir, "root.verity"), rootHash, uki: join(dir, "uki.efi"), missing: inputs.missing, volumes: inputs.role.volumes };
}

const factsSchema = z.strictObject({ rootHash: hexText(32) });

async function makeFiles(tc: Toolchain, inputs: ImageInputs, key: string, out: string, signal: { readonly signal?: AbortSignal }): Promise<void> {
  const { base, epoch, role, cluster } = inputs;
  const tree = join(out, "tree");
  const [root, verityFile, initrd] = [join(out, "root.erofs"), join(out, "root.verity"), join(out, "initrd")];
  await assembleRole({ role: role.name, from: inputs.layer, overlayDirs: overlaysOf(inputs), units: inputs.units, files: roleFiles(inputs), out: tree, ...signal });
  // Where data volumes are mounted; below /var a tmpfs hides it, and the mount point is made at boot.
  for (const { mount } of role.volumes) await mkdir(join(tree, mount), { recursive: true, mode: 0o755 });
  await makeErofs(tc, tree, root, { uuid: guidText(deriveBytes(key, "erofs", 16)), epoch, ...signal });
  await rm(tree, { recursive: true });
  const verity = await makeVerity(tc, root, verityFile, { uuid: guidText(deriveBytes(key, "verity", 16)), salt: deriveBytes(key, "salt", 32), ...signal });
  const cmdline = commandLine(verity.rootHash);
  await buildInitrd(tc, { base, cmdline, verity, out: initrd, ...signal });
  const uki = assembleUki({
    stub: await readFile(join(tc.tree, STUB)),
    osrel: utf8(osRelease(cluster, role.name)),
    cmdline: utf8(cmdline),
    uname: utf8(base.kernelRelease),
    initrd: await readFile(initrd),
    pcrpkey: inputs.policyKey,
    linux: await readFile(base.kernel),
  });
  await writeFile(join(out, "uki.efi"), uki);
  await rm(initrd);
  await writeFile(join(out, "facts.json"), canonicalJson({ rootHash: verity.rootHash }));
}

/** The role's own folders that are laid over its tree, in this order. */
export function overlaysOf({ role }: Pick<ImageInputs, "role">): readonly string[] {
  return role.overlay === undefined ? [] : [role.overlay];
}

/** The files that an image's inputs put into its tree, beside the packages' and the layers'. */
export function roleFiles(inputs: Pick<ImageInputs, "programs" | "config">): readonly RoleFile[] {
  return [
    ...inputs.programs.map(({ name, compiled }) => ({ path: `/usr/lib/kubedos/${name}`, from: compiled.path })),
    { path: "/etc/kubedos/image.json", data: inputs.config },
  ];
}
