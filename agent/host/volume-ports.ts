import type { VolumePorts } from "../volumes/ports.ts";
import { createBlocks } from "./blocks.ts";
import { openClient } from "./open-client.ts";
import { createPorts, type HostOptions } from "./ports.ts";
import { createRunner } from "./runner.ts";

/** Making a volume writes every block of it: 1 TiB at 40 MB/s. */
const TIMEOUT_MS = 8 * 3600_000;

/** The real world of opening volumes. */
export function createVolumePorts({ root, tpm }: HostOptions): VolumePorts {
  const { files, clock, entropy, log } = createPorts({ root, tpm });
  const under = root === "/" ? "" : root;
  const runner = createRunner({ path: ["/usr/sbin", "/usr/bin"].map((folder) => `${under}${folder}`).join(":"), memory: `${under}/run/kubedos`, timeoutMs: TIMEOUT_MS });
  return { files, clock, entropy, log, runner, blocks: createBlocks(root), openTpm: () => openClient(tpm) };
}
