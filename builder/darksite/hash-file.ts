import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { ToolError } from "../toolchain/error.ts";

const CHUNK = 1 << 20;

/** What a file is hashed with. */
export interface HashOptions {
  readonly onBytes?: ((count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** SHA-256 in hex of a file of any size, a megabyte at a time; undefined where there is no such file. Throws ToolError `ABORTED` or a file system's error. */
export async function hashFile(path: string, { onBytes, signal }: HashOptions = {}): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK, ...(signal === undefined ? {} : { signal }) })) {
      hash.update(chunk as Uint8Array);
      onBytes?.((chunk as Uint8Array).length);
    }
  } catch (cause) {
    if (signal?.aborted === true) throw new ToolError("ABORTED", `stopped: reading ${path}`, { cause });
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
  return hash.digest("hex");
}

/** Whether a file is there with this size and digest; one of another size isn't read. */
export async function isFile(path: string, file: { readonly size: number; readonly sha256: string }, options: HashOptions = {}): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true || found.size !== file.size) return false;
  return (await hashFile(path, options)) === file.sha256;
}
