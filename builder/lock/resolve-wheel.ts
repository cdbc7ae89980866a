import { z } from "zod";
import { WireError } from "../../proto/wire/error.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { FetchError } from "../fetch/error.ts";
import { fetchBytes } from "../fetch/fetch-bytes.ts";
import { type LockedWheel, lockedWheelSchema } from "./extras.ts";

/** The page of a project with thousands of files has a few MB. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;

const pageSchema = z.object({
  files: z.array(
    z.object({
      filename: z.string().max(1024),
      url: z.string().max(4096),
      hashes: z.object({ sha256: z.string().max(128).optional() }),
      size: z.number().optional(),
      yanked: z.union([z.boolean(), z.string()]).optional(),
    }),
  ),
});

/** Python of Debian trixie on 64-bit PCs, best first (PEP 425, PEP 600): what runs everywhere, then what was compiled for it. */
const FITTING: readonly RegExp[] = [
  /-py3-none-any\.whl$/,
  /-(py2\.py3|py3\.[a-z0-9.]+)-none-any\.whl$/,
  /-cp313-cp313-[a-z0-9_.]*manylinux[a-z0-9_.]*_x86_64\.whl$/,
  /-cp3([2-9]|1[0-3])-abi3-[a-z0-9_.]*manylinux[a-z0-9_.]*_x86_64\.whl$/,
  /-py3-none-[a-z0-9_.]*manylinux[a-z0-9_.]*_x86_64\.whl$/,
];

/**
 * Asks a package index (PEP 691) for the wheel of "name==version" that fits the Python of our images. What the wheel itself needs
 * isn't looked at: every wheel is wanted by name, as with pip's --require-hashes and --no-deps. Throws FetchError or ToolError.
 */
export async function resolveWheel(requirement: string, index: string, signal?: AbortSignal): Promise<LockedWheel> {
  const [name = "", version = ""] = requirement.split("==");
  const page = `${index}/${name}/`;
  const { bytes } = await fetchBytes({ url: page, headers: { accept: "application/vnd.pypi.simple.v1+json" }, signal }, MAX_PAGE_BYTES);
  const files = parsePage(page, bytes).filter((f) => isWheelOf(f.filename, name, version) && (f.yanked ?? false) === false);
  const best = FITTING.map((fits) => files.find((f) => fits.test(f.filename))).find((f) => f !== undefined);
  if (best === undefined) throw new FetchError("SOURCE_GONE", `${page} has no wheel of ${requirement} for Python 3.13 on 64-bit PCs (${files.length} for others)`, "build one and give its address under files:");
  const locked = lockedWheelSchema.safeParse({ name, version, file: best.filename, url: new URL(best.url, page).href.split("#")[0], size: best.size, sha256: best.hashes.sha256 });
  if (!locked.success) throw new FetchError("SOURCE_BAD", `${page} doesn't say of ${best.filename.slice(0, 100)} what a lock needs: ${locked.error.issues[0]?.path.join(".")}`);
  return locked.data;
}

function parsePage(page: string, bytes: Uint8Array): z.output<typeof pageSchema>["files"] {
  try {
    return parseJson(pageSchema, bytes, MAX_PAGE_BYTES).files;
  } catch (cause) {
    if (cause instanceof WireError) throw new FetchError("SOURCE_BAD", `${page} is no page of a package index in JSON (PEP 691): ${cause.message}`, "", { cause });
    throw cause;
  }
}

/** A wheel's name starts with its project's and version, dashes written as underscores (binary distribution format). */
function isWheelOf(file: string, name: string, version: string): boolean {
  const [project = "", of = ""] = file.split("-");
  return project.toLowerCase().replace(/[-_.]+/g, "-") === name && of === version;
}
