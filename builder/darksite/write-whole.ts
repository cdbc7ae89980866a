import { randomUUID } from "node:crypto";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DARKSITE } from "./paths.ts";

/** Writes a small file of a darksite under another name, then gives it its own. */
export async function writeWhole(dir: string, path: string, data: Uint8Array): Promise<void> {
  const part = join(dir, DARKSITE.partial, randomUUID());
  await mkdir(dirname(part), { recursive: true });
  await writeFile(part, data);
  await settle(part, join(dir, path));
}

/** On the disk first, then in its place: what has the name after a power cut has its bytes too. */
export async function settle(part: string, path: string): Promise<void> {
  const file = await open(part, "r+");
  await file.sync().finally(() => file.close());
  await mkdir(dirname(path), { recursive: true });
  await rename(part, path);
}
