import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { AgentError } from "../error.ts";
import { openTpmDevice } from "./device-transport.ts";

/** The kernel's resource manager: where an image's TPM is. */
export const DEFAULT_TPM = "/dev/tpmrm0";

/** Opens `/dev/…`, `unix:/path` or `tcp:HOST:PORT`. Throws {@link AgentError} `USAGE` or `TPM_MISSING`. */
export async function openTpm(spec: string): Promise<TpmTransport> {
  if (spec.startsWith("/dev/")) return await openTpmDevice(spec);
  const tcp = /^tcp:([^:]+):(\d{1,5})$/.exec(spec);
  const unix = /^unix:(\/.+)$/.exec(spec);
  const { openTpmSocket } = await import("./socket-transport.ts");
  if (tcp?.[1] !== undefined) return await openTpmSocket({ host: tcp[1], port: Number(tcp[2]) });
  if (unix?.[1] !== undefined) return await openTpmSocket({ path: unix[1] });
  throw new AgentError("USAGE", `--tpm takes /dev/…, unix:/path or tcp:HOST:PORT, not ${JSON.stringify(spec)}`);
}
