import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { DELIVERY_TYPE, parseDelivery } from "../../proto/release/delivery.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { releaseKeysOf } from "../../proto/release/release-keys.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { AgentError } from "../error.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";

/**
 * Hands the delivery's envelope to the hub, if a release key of this image signed it and it is for this cluster. The
 * bytes go on as they came, so that the hub can check them itself. Throws WireError, or {@link AgentError} `BAD_REQUEST`.
 */
export async function takeDelivery(files: Files, config: ImageConfig, data: Uint8Array): Promise<{ readonly sha256: string }> {
  const delivery = parseDelivery(openEnvelope(DELIVERY_TYPE, parseEnvelope(data), releaseKeysOf(config)));
  if (delivery.cluster !== config.cluster) throw new AgentError("BAD_REQUEST", `the delivery is for cluster ${delivery.cluster}`);
  await files.write(PATHS.delivery, data, { mode: 0o600, ownedByFolder: true });
  return { sha256: toHex(sha256(data)) };
}
