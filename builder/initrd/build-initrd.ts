import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BaseTree } from "../rootfs/ensure-base.ts";
import type { VerityFacts } from "../rootfs/make-verity.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { cpioArchive } from "./cpio.ts";
import type { CpioEntry } from "./cpio.ts";
import { INITRD_MODULES, moduleOrder } from "./module-order.ts";

/** One image's initrd to be made. */
export interface InitrdRequest {
  readonly base: BaseTree;
  /** The UKI's command line, byte for byte; init refuses any other. */
  readonly cmdline: string;
  readonly verity: VerityFacts;
  /** File to write. */
  readonly out: string;
  readonly signal?: AbortSignal;
}

const initSource: string = fileURLToPath(new URL("init.c", import.meta.url));
const GCC = ["gcc", "-std=gnu17", "-static", "-Os", "-Wall", "-Wextra", "-Werror", "-s", "-Wl,--build-id=none"] as const;

/** Compiles init and packs it with its modules and the sealed command line, as a zstd cpio. Throws ToolError. */
export async function buildInitrd(tc: Toolchain, request: InitrdRequest): Promise<void> {
  const work = await mkdtemp(join(dirname(request.out), ".initrd-"));
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  try {
    const init = join(work, "init");
    // The source goes in under one fixed name, so that no path of this machine can get into the binary.
    await runTool(tc, [...GCC, "-o", init, "-x", "c", "-"], { binds: [work], input: await readFile(initSource), ...signal });
    const archive = cpioArchive(await initrdEntries(request, await readFile(init)));
    const cpio = join(work, "initrd.cpio");
    await writeFile(cpio, archive);
    await runTool(tc, ["zstd", "--quiet", "--force", "-19", "--single-thread", "--no-progress", cpio, "-o", request.out], {
      binds: [dirname(request.out)],
      ...signal,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function initrdEntries(request: InitrdRequest, init: Uint8Array): Promise<readonly CpioEntry[]> {
  const { base, verity } = request;
  const dir = join(base.tree, "usr/lib/modules", base.kernelRelease);
  const paths = moduleOrder(await readFile(join(dir, "modules.dep"), "utf8"), INITRD_MODULES);
  const text = (path: string, data: string): CpioEntry => ({ type: "file", path, mode: 0o400, data: Buffer.from(data, "utf8") });
  const modules: CpioEntry[] = [];
  for (const path of paths) {
    modules.push({ type: "file", path: `modules/${basename(path)}`, mode: 0o400, data: await readFile(join(dir, path)) });
  }
  return [
    { type: "folder", path: "dev", mode: 0o755 },
    { type: "device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
    { type: "file", path: "init", mode: 0o500, data: init },
    text("cmdline", request.cmdline),
    text("verity", `${verity.dataBlocks} ${verity.salt}`),
    { type: "folder", path: "modules", mode: 0o700 },
    text("modules/list", paths.map((path) => `${basename(path)}\n`).join("")),
    ...modules,
  ];
}
