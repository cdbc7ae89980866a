import { dirname } from "node:path";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";

/** What makes an erofs image a function of its tree. */
export interface ErofsOptions {
  /** UUID of the file system, from the image's own inputs. */
  readonly uuid: string;
  /** SOURCE_DATE_EPOCH in seconds; every time in the image. */
  readonly epoch: number;
  readonly signal?: AbortSignal;
}

/**
 * Tree → erofs image at `out`, not compressed: lz4 costs 2 s of a TCG boot. The same tree gives the same bytes.
 * Throws ToolError.
 */
export async function makeErofs(tc: Toolchain, tree: string, out: string, options: ErofsOptions): Promise<void> {
  await runTool(tc, ["mkfs.erofs", "--quiet", `-T${options.epoch}`, "--all-time", "-U", options.uuid, out, tree], {
    binds: [dirname(out)],
    readBinds: [tree],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}
