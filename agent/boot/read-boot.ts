import { type ImageConfig, parseImageConfig } from "../../proto/release/image-config.ts";
import { AgentError } from "../error.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";

const MAX_CONFIG_BYTES = 64 * 1024;

/** What this image is, from its own read-only root, and which boot this is. Throws {@link AgentError} `BAD_CONFIG`, WireError. */
export async function readBoot(files: Files): Promise<{ readonly config: ImageConfig; readonly bootId: string }> {
  const data = await files.read(PATHS.imageConfig, MAX_CONFIG_BYTES);
  if (data === null) throw new AgentError("BAD_CONFIG", `${PATHS.imageConfig} is missing`);
  const config = parseImageConfig(data);
  const bootId = new TextDecoder().decode((await files.read(PATHS.bootId, 64)) ?? undefined).trim();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(bootId)) throw new AgentError("BAD_CONFIG", "the kernel has no boot id");
  return { config, bootId };
}
