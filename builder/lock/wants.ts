import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { imageReference } from "../../proto/spec/image-reference.ts";
import { readObject } from "../../proto/spec/read-object.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import { LockError } from "./error.ts";
import { fileUrl, fileVersion, MAX_FILE_BYTES, projectName } from "./extras.ts";

/** The file beside a spec that says what a darksite shall hold beside Debian's packages; there need not be one. */
export const WANTS_FILE = "darksite.yaml";

const wantedFileSchema = z.strictObject({
  name: dnsLabel,
  version: fileVersion,
  url: fileUrl,
  sha256: hexText(32).optional(),
  size: z.int().nonnegative().max(MAX_FILE_BYTES).optional(),
});
/** A file that is wanted; what isn't written down is learnt when it is locked, and holds from then on. */
export type WantedFile = z.output<typeof wantedFileSchema>;

/** "salt==3007.1", as requirements.txt has it: no ranges, since a lock that asked for one would be a question. */
const requirement = z.string().refine((text) => {
  const [name = "", version = "", ...rest] = text.split("==");
  return rest.length === 0 && projectName.safeParse(name).success && fileVersion.safeParse(version).success;
}, "must be a project and its exact version, as salt==3007.1");

const wantsSchema = z.strictObject({
  apiVersion: z.literal("kubedos/v1"),
  kind: z.literal("Darksite"),
  images: z.array(imageReference).max(4096).default([]),
  files: z.array(wantedFileSchema).max(65536).refine((files) => isSet(files.map((f) => f.name)), "names a file twice").default([]),
  wheels: z.array(requirement).max(65536).refine((wheels) => isSet(wheels.map((w) => w.split("==")[0])), "names a project twice").default([]),
  /** The index that wheels come from: PEP 691, where PyPI has it. */
  wheelIndex: z.string().regex(/^https?:\/\/[!-~]{1,1000}[^/]$/, "must be an http or https address without a slash at its end").default("https://pypi.org/simple"),
});

/** What a lock shall hold beside Debian's packages. Lists are sorted and name nothing twice. */
export interface Wants {
  readonly images: readonly string[];
  readonly files: readonly WantedFile[];
  /** "name==version". */
  readonly wheels: readonly string[];
  readonly wheelIndex: string;
}

/** What roles want by name: images whole, files by the name that they have in {@link WANTS_FILE}. */
export interface RoleWants {
  readonly name: string;
  readonly images?: readonly string[];
  readonly files?: readonly string[];
}

/** Everything that the file beside a spec, its roles and `images` (of the spec's workloads) want. Throws SpecError, LockError `BAD_WANTS`. */
export async function gatherWants(specFile: string, roles: readonly RoleWants[], images: readonly string[] = []): Promise<Wants> {
  const file = join(dirname(specFile), WANTS_FILE);
  const wants = await readWants(file);
  const names = new Set(wants.files.map((f) => f.name));
  for (const role of roles) {
    const missing = role.files?.find((name) => !names.has(name));
    if (missing !== undefined) throw new LockError("BAD_WANTS", `role "${role.name}" wants file "${missing}", which ${file} doesn't name`, `add it there under files: {name: ${missing}, version, url}`);
  }
  return {
    ...wants,
    images: [...new Set([...wants.images, ...images, ...roles.flatMap((r) => r.images ?? [])])].sort(),
    files: [...wants.files].sort((a, b) => (a.name < b.name ? -1 : 1)),
    wheels: [...new Set(wants.wheels)].sort(),
  };
}

async function readWants(file: string): Promise<z.output<typeof wantsSchema>> {
  if (!existsSync(file)) return wantsSchema.parse({ apiVersion: "kubedos/v1", kind: "Darksite" });
  return readObject(wantsSchema, await readFile(file, "utf8"), file, "darksite").value;
}

function isSet(names: readonly unknown[]): boolean {
  return new Set(names).size === names.length;
}
