import { parseApkDatabase } from "./apk-database.ts";
import { parseDpkgStatus } from "./dpkg-database.ts";
import type { InstalledPackage } from "./installed-package.ts";
import type { LayerTree, Watched } from "./layer-tree.ts";

/** What the databases of an image say. */
export interface FoundPackages {
  /** Sorted; each name once in a version and architecture. */
  readonly packages: readonly InstalledPackage[];
  /** os-release's ID and VERSION_ID; empty where it has none. */
  readonly os: { readonly id: string; readonly version: string };
  /** Databases that are there and weren't read: sentences for people. */
  readonly unread: readonly string[];
}

const DPKG = "var/lib/dpkg/status";
/** A file for each package, as distroless images have it. */
const DPKG_FOLDER = "var/lib/dpkg/status.d";
const APK = ["lib/apk/db/installed", "usr/lib/apk/db/installed"] as const;
const OS = ["etc/os-release", "usr/lib/os-release"] as const;
const RPM = ["var/lib/rpm", "usr/lib/sysimage/rpm"].flatMap((dir) => ["Packages", "Packages.db", "rpmdb.sqlite"].map((name) => `${dir}/${name}`));

/** What must be kept of an image's layers. RPM's databases are only looked for. */
export const WATCHED: Watched = { files: [DPKG, ...APK, ...OS, ...RPM], folders: [DPKG_FOLDER] };

/** Reads the package databases in what an image's layers leave; `image` is for people. Throws ContainerError `PACKAGES_UNREADABLE`. */
export function findPackages(tree: LayerTree, image: string): FoundPackages {
  const unread: string[] = [];
  const files = [DPKG, ...APK, DPKG_FOLDER, ...tree.list(DPKG_FOLDER)].filter((path) => {
    const place = tree.resolve(path);
    if (place !== path && ![DPKG, DPKG_FOLDER, ...APK].includes(place)) unread.push(`/${path} is a link to /${place}`);
    return place === path;
  });
  const packages = files.flatMap((path): readonly InstalledPackage[] => {
    const data = tree.file(path);
    // status.d has the checksums of each package's files beside it.
    if (data === undefined || path.endsWith(".md5sums")) return [];
    const where = `${image}: /${path}`;
    return (APK as readonly string[]).includes(path) ? parseApkDatabase(data, where) : parseDpkgStatus(data, where);
  });
  for (const path of RPM) if (tree.file(path) !== undefined) unread.push(`/${path} is a database of RPM`);
  const byId = new Map(packages.map((p) => [JSON.stringify([p.kind, p.name, p.version, p.architecture]), p]));
  return { packages: [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p), os: osOf(tree), unread };
}

/** os-release(5): shell assignments; the first file that is there counts. */
function osOf(tree: LayerTree): FoundPackages["os"] {
  const data = OS.map((path) => tree.file(tree.resolve(path))).find((found) => found !== undefined);
  const text = new TextDecoder().decode(data ?? new Uint8Array());
  const value = (key: string): string => new RegExp(`^${key}=["']?([a-z0-9._-]{1,64})["']?$`, "m").exec(text)?.[1] ?? "";
  return { id: value("ID"), version: value("VERSION_ID") };
}
