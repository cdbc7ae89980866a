import { existsSync } from "node:fs";
import { copyFile, constants, open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runTool } from "../../../builder/toolchain/run-tool.ts";
import type { Demo } from "../../../demo/demo.ts";
import type { AttackWorld } from "../world.ts";

/** The ESP of our disks: the first partition, at 1 MiB. */
const ESP_OFFSET = "1M";

/** A disk to boot. */
export interface AttackDisk {
  readonly file: string;
  readonly format: "raw";
}

const made = new Map<string, Promise<string>>();

/** The release's disk of a role as a raw file, made once a run. */
async function rawDisk(demo: Demo, role: string): Promise<string> {
  const out = join(demo.state, `${role}.raw`);
  if (existsSync(out)) return out;
  const disk = join(demo.built.releaseDir, role, "disk.qcow2");
  await runTool(demo.built.tc, ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", disk, out], { binds: [demo.state], readBinds: [dirname(disk)] });
  return out;
}

/** A copy of the release's disk that belongs to this row. */
export async function copyDisk(world: AttackWorld, role = "worker"): Promise<AttackDisk> {
  const { demo } = world;
  const key = `${demo.state}/${role}`;
  let source = made.get(key);
  if (source === undefined) made.set(key, (source = rawDisk(demo, role)));
  const file = join(world.dir, `${role}.raw`);
  await copyFile(await source, file, constants.COPYFILE_FICLONE);
  return { file, format: "raw" };
}

/** Writes a file into the ESP; folders on its way are made. `path` is absolute with `/`. */
export async function putFile(world: AttackWorld, disk: AttackDisk, path: string, data: Uint8Array): Promise<void> {
  const { tc } = world.demo.built;
  const source = join(world.dir, "put");
  await writeFile(source, data);
  const image = ["-i", `${disk.file}@@${ESP_OFFSET}`];
  const options = { binds: [world.dir], env: { MTOOLS_SKIP_CHECK: "1" } };
  const folders = path.split("/").slice(1, -1);
  for (const i of folders.keys()) {
    const folder = `::/${folders.slice(0, i + 1).join("/")}`;
    await runTool(tc, ["mmd", "-D", "s", ...image, folder], options).catch(() => undefined);
  }
  await runTool(tc, ["mcopy", "-o", ...image, source, `::${path}`], options);
}

/** What firmware starts. */
export const BOOT_FILE = "/EFI/BOOT/BOOTX64.EFI";

/** Overwrites bytes of the disk. */
export async function patchDisk(disk: AttackDisk, offset: number, change: (old: Uint8Array) => Uint8Array, length: number): Promise<void> {
  const file = await open(disk.file, "r+");
  try {
    const old = new Uint8Array(length);
    await file.read(old, 0, length, offset);
    const next = change(old);
    await file.write(next, 0, next.length, offset);
  } finally {
    await file.close();
  }
}
