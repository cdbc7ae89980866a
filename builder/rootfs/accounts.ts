import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A system user of our own; user and group have one name and one number, fixed so that images don't depend on order. */
export interface Account {
  readonly name: string;
  readonly id: number;
}

/** kubedos-hub runs the hub, kubedos-qga the guest agent. Nothing else of ours runs as a user. */
export const ACCOUNTS: readonly Account[] = [
  { name: "kubedos-hub", id: 810 },
  { name: "kubedos-qga", id: 811 },
];

/**
 * Writes our accounts into the tree's passwd, group and shadow, and locks every password, root's included: there is no
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

async function edit(tree: string, path: string, change: (lines: readonly string[]) => readonly string[]): Promise<void> {
  const file = join(tree, path);
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  await writeFile(file, `${change(lines).join("\n")}\n`);
}
