import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeErofs } from "../../../builder/rootfs/make-erofs.ts";
import { runTool } from "../../../builder/toolchain/run-tool.ts";
import type { AttackWorld } from "../world.ts";
import type { AttackDisk } from "./disk.ts";

/** A file system image with these files: path → text. */
export async function makeFileSystem(world: AttackWorld, name: string, files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const [tree, out] = [join(world.dir, `${name}.tree`), join(world.dir, `${name}.erofs`)];
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text, { mode: 0o755 });
  }
  await makeErofs(world.demo.built.tc, tree, out, { uuid: "3e6d9a10-6c0f-4d5c-9a55-51b3f1d6a001", epoch: 1_767_225_600 });
  await rm(tree, { recursive: true });
  return new Uint8Array(await readFile(out));
}

/** Where the contents of a file begin in the erofs image that starts at `offset` of the disk, counted from that start. */
export async function findInErofs(world: AttackWorld, disk: AttackDisk, offset: number, path: string): Promise<number> {
  const { stdout } = await runTool(world.demo.built.tc, ["dump.erofs", `--offset=${offset}`, `--path=${path}`, "-e", disk.file], { readBinds: [disk.file] });
  // "   0:        0..   12345 |   12345 :    4096..   16384 |   12288": file's range, length, the device's range, length.
  const first = /^\s*0:\s+0\.\.\s*\d+\s*\|\s*\d+\s*:\s*(\d+)\.\./m.exec(stdout)?.[1];
  if (first === undefined) throw new Error(`dump.erofs shows no extent of ${path}: ${stdout.slice(0, 400)}`);
  return Number(first);
}
