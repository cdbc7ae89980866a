import { z } from "zod";
import { planeName } from "../../proto/evidence/claims.ts";
import { portRule, volumeSchema } from "../../proto/release/image-config.ts";
import { missingProgram } from "../../proto/release/release.ts";
import { dnsLabel } from "../../proto/wire/text.ts";
import { originSchema, packageName } from "../lock/lock.ts";
import { generatedFileSchema } from "./generated-file.ts";

/** "512MiB" or "2GiB" → MiB. */
const mebibytes = z
  .string()
  .regex(/^[1-9]\d{0,5}(MiB|GiB)$/, 'must be a size like "512MiB" or "2GiB"')
  .transform((text) => Number.parseInt(text, 10) * (text.endsWith("GiB") ? 1024 : 1));

// It becomes a file's name and a link's target. No templates: an instance would be named by somebody at run time.
const unitName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,100}\.(service|socket|timer|path|mount)$/, 'must be a systemd unit like "containerd.service"');

/** Numbers of accounts that roles give; ours are below. Fixed, for what lies on a data volume outlives the image that wrote it. */
const account = z.strictObject({ name: z.string().regex(/^[a-z_][a-z0-9_-]{0,30}$/, "must be an account's name"), id: z.int().min(820).max(899) });

const packages = z.array(packageName).max(256);
const units = z.array(unitName).max(32);
const accounts = z.array(account).max(32);

/** A program that the distribution doesn't have. It comes from an origin of its own if the user vouches for the origin's key, and is missing if not. */
const thirdParty = z.strictObject({
  program: missingProgram.shape.program,
  why: missingProgram.shape.why,
  origin: originSchema.omit({ keys: true }),
  packages: packages.min(1),
  units: units.default([]),
  accounts: accounts.default([]),
});

/** `size`: MiB at least, and no image input; what a machine gets, the spec says. */
const volume = volumeSchema.extend({ size: mebibytes });

/** `roles/NAME/role.yaml` (docs/roles.md). Everything in here is an image input, but for the sizes of volumes, `minMemory` and `generated`, which is one of the release. */
export const roleSchema = z.strictObject({
  apiVersion: z.literal("kubedos/v1"),
  kind: z.literal("Role"),
  metadata: z.strictObject({ name: dnsLabel }),
  about: z.string().min(1).max(200),
  /** True on the role that runs kubedos-hub. */
  hub: z.boolean().default(false),
  /** Packages beside those of the base system. */
  packages: packages.default([]),
  /** What starts once the node is admitted. */
  units: units.default([]),
  /** System users that its packages would otherwise make, with numbers by chance. */
  accounts: accounts.default([]),
  /** Planes on which it has ports. */
  planes: z.array(planeName).min(1).max(3).default(["wg1", "wg2", "wg3"]),
  /**
   * Holes in a firewall that drops everything else in both directions. The planes' own UDP ports are added from the spec,
   * inwards on the hub's role and outwards on the others; ICMP echo on the planes is always open.
   */
  ports: z.array(portRule).max(58).default([]),
  volumes: z.array(volume).max(16).default([]),
  /** References of container images. */
  images: z.array(z.string().regex(/^[a-z0-9][a-z0-9._:/@-]{1,255}$/, "must be a container image's reference")).max(64).default([]),
  /** Names of third-party files. */
  files: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be a file's name")).max(64).default([]),
  /** Files that the scripts of its packages write, and that no package holds: its SBOM names no others. */
  generated: z.array(generatedFileSchema).max(64).default([]),
  thirdParty: z.array(thirdParty).max(16).default([]),
  /** Programs of the role that no image of it has yet. */
  missing: z.array(missingProgram).max(16).default([]),
  /** MiB below which the image isn't meant to boot. */
  minMemory: mebibytes,
});

/** The file's own fields, with defaults filled in. */
export type RoleFields = Omit<z.output<typeof roleSchema>, "apiVersion" | "kind" | "metadata" | "thirdParty">;

/** A key that the user vouches for: OpenPGP certificates, and the fingerprints of their primary keys. */
export interface OriginKeys {
  /** Binary, as apt's Signed-By takes it. */
  readonly keyring: Uint8Array;
  /** Lower-case hex, sorted. */
  readonly fingerprints: readonly string[];
}

/** See {@link roleSchema}; `keys` where the origin's key is there. */
export type ThirdParty = z.output<typeof thirdParty> & { readonly keys?: OriginKeys };

/** A role as data (DESIGN §4): what its image holds and which ports it may use. */
export interface RoleDefinition extends RoleFields {
  readonly name: string;
  /** Its folder; absolute. */
  readonly dir: string;
  /** The tree that is laid over its image; absolute. */
  readonly overlay?: string;
  readonly thirdParty: readonly ThirdParty[];
}
