import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../error.ts";

/** A system user; user and group have one name and one number, fixed so that images don't depend on order. */
export interface Account {
  readonly name: string;
  readonly id: number;
}

/** kubedos-hub runs the hub, kubedos-qga the guest agent; roles bring others for their packages. */
export const ACCOUNTS: readonly Account[] = [
  { name: "kubedos-hub", id: 810 },
  { name: "kubedos-qga", id: 811 },
];

/**
 * Writes accounts into the tree's passwd, group and shadow, and locks every password, root's included: there is no
 * way to log in. The date fields of shadow are emptied: they hold the day of the build.
 */
export async function writeAccounts(tree: string, accounts: readonly Account[] = ACCOUNTS): Promise<void> {
  await edit(tree, "etc/passwd", (lines) => [...lines, ...accounts.map((a) => `${a.name}:x:${a.id}:${a.id}::/nonexistent:/usr/sbin/nologin`)]);
  await edit(tree, "etc/group", (lines) => [...lines, ...accounts.map((a) => `${a.name}:x:${a.id}:`)]);
  await edit(tree, "etc/gshadow", (lines) => [...lines, ...accounts.map((a) => `${a.name}:!*::`)]);
  await edit(tree, "etc/shadow", (lines) =>
    [...lines.map((line) => line.split(":")[0] ?? ""), ...accounts.map((a) => a.name)].map((name) => `${name}:!*:::::::`),
  );
}

/**
 * Whether maintainer scripts made no user or group that the role didn't give a number: one by chance would own another's files on a volume once
 * a package more is installed before it. Throws BuildError `UNNUMBERED_ACCOUNT`.
 */
export async function checkNumbered(base: string, tree: string, accounts: readonly Account[], role: string): Promise<void> {
  for (const file of ["etc/passwd", "etc/group"]) {
    const known = new Set([...(await names(base, file)), ...accounts.map((a) => a.name)]);
    const made = (await names(tree, file)).find((name) => !known.has(name));
    if (made !== undefined) throw new BuildError("UNNUMBERED_ACCOUNT", `a package of role "${role}" makes the ${file === "etc/group" ? "group" : "user"} ${made}, which has no number`, `add { name: ${made}, id: NUMBER } to accounts in roles/${role}/role.yaml`);
  }
}

async function names(tree: string, file: string): Promise<readonly string[]> {
  return (await readLines(join(tree, file))).map((line) => line.split(":")[0] ?? "");
}

async function readLines(file: string): Promise<readonly string[]> {
  return (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
}

/** By renaming: the file may be that of another tree as well (share-files.ts). */
async function edit(tree: string, path: string, change: (lines: readonly string[]) => readonly string[]): Promise<void> {
  const file = join(tree, path);
  await writeFile(`${file}.new`, `${change(await readLines(file)).join("\n")}\n`);
  await chmod(`${file}.new`, path.endsWith("shadow") ? 0o640 : 0o644);
  await rename(`${file}.new`, file);
}
