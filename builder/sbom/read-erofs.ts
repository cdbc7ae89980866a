import { dirname, join } from "node:path";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { withWorkFolder } from "../toolchain/work-folder.ts";

/** Unpacks a finished root file system beside it, checked block by block, lets `work` see the folder, and removes it. Throws ToolError, or what `work` throws. */
export async function withErofsTree<T>(tc: Toolchain, image: string, work: (tree: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
  return await withWorkFolder(dirname(image), "unpacked", async (dir) => {
    const tree = join(dir, "tree");
    await runTool(tc, ["fsck.erofs", `--extract=${tree}`, "--no-preserve", image], { binds: [dir], readBinds: [image], ...(signal === undefined ? {} : { signal }) });
    return await work(tree);
  });
}
