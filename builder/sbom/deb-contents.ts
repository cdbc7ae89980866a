import { existsSync } from "node:fs";
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { hexText } from "../../proto/wire/text.ts";
import { ensureDebs } from "../lock/ensure-debs.ts";
import type { LockedPackage } from "../lock/lock.ts";
import { mapLimited } from "../release/map-limited.ts";
import { cachedTree } from "../toolchain/cached-tree.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { type Contents, mergedPath, readContents } from "./content.ts";

/** Raise it when what is kept of a package changes. */
const FOLDER = "deb-contents-1";
const UNPACKERS = 2;
const MODULES_AT_ONCE = 500;
/** linux-firmware has some thousand files of 200 bytes each here. */
const MAX_BYTES = 64 * 1024 * 1024;

const contentSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("file"), sha256: hexText(32), sha1: hexText(20), size: z.int().nonnegative() }),
  z.strictObject({ kind: z.literal("link"), target: z.string().max(4096) }),
  z.strictObject({ kind: z.literal("device") }),
]);
const contentsSchema = z.array(z.tuple([z.string().max(4096), contentSchema]));

/**
 * What each package puts into a tree, taken from its .deb with the lock's digest: what dpkg noted in a tree would be the tree's own word. Packed kernel
 * modules are listed as they are unpacked in images. Kept in the cache by the .deb's digest; a base tree's packages take some 15 s
 * the first time. Throws LockError or ToolError.
 */
export async function debContents(tc: Toolchain, cacheDir: string, packages: readonly LockedPackage[], report: Report, signal?: AbortSignal): Promise<ReadonlyMap<string, Contents>> {
  const kept = (locked: LockedPackage): string => `${locked.sha256}.json`;
  const unread = packages.filter((locked) => !existsSync(join(cacheDir, FOLDER, kept(locked))));
  if (unread.length > 0) report(`reading what is in ${unread.length} package${unread.length === 1 ? "" : "s"}, once`);
  const found = await mapLimited(packages, UNPACKERS, async (locked): Promise<[string, Contents]> => {
    const file = await cachedTree(join(cacheDir, FOLDER), kept(locked), async (out) => {
      const [deb = ""] = await ensureDebs(cacheDir, tc.lock.origins, [locked], report, signal);
      await writeFile(out, canonicalJson([...(await unpack(tc, deb, out, signal))]));
    });
    return [locked.name, new Map(parseJson(contentsSchema, await readFile(file), MAX_BYTES))];
  });
  return new Map(found);
}

async function unpack(tc: Toolchain, deb: string, beside: string, signal?: AbortSignal): Promise<Contents> {
  const tree = await mkdtemp(`${beside}-`);
  const options = { binds: [tree], readBinds: [deb], cwd: tree, ...(signal === undefined ? {} : { signal }) };
  try {
    await mkdir(join(tree, "deb"));
    await runTool(tc, ["dpkg-deb", "--extract", deb, join(tree, "deb")], options);
    const packed: string[] = [];
    for await (const path of glob("deb/**/*.ko.xz", { cwd: tree })) packed.push(path);
    for (let at = 0; at < packed.length; at += MODULES_AT_ONCE) {
      await runTool(tc, ["xz", "--decompress", "--threads=2", ...packed.slice(at, at + MODULES_AT_ONCE)], options);
    }
    return new Map([...(await readContents(join(tree, "deb")))].map(([path, content]) => [mergedPath(path), content]));
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
