import { z } from "zod";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { base64Text, dnsLabel } from "../../proto/wire/text.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";
import type { NodePlace } from "./read-admission.ts";

const MAX_PLACE_BYTES = 32 * 1024;

const address = z.cidrv4();
const placeSchema = z.strictObject({
  kind: z.literal("kubedos/node-place"),
  version: z.literal(1),
  bootId: z.uuid(),
  id: z.string().max(64),
  name: dnsLabel,
  index: z.int(),
  addresses: z.strictObject({ wg1: address, wg2: address, wg3: address }),
  certificateChain: z.array(base64Text(4096)).length(2),
});

/** The node's place of this boot, as stored at its admission; null before it. An agent that was killed keeps its planes by it. */
export async function loadPlace(files: Files, bootId: string): Promise<NodePlace | null> {
  const data = await files.read(PATHS.node, MAX_PLACE_BYTES);
  if (data === null) return null;
  try {
    const { kind: _kind, version: _version, bootId: storedBoot, ...place } = parseJson(placeSchema, data, MAX_PLACE_BYTES);
    return storedBoot === bootId ? { ...place, certificateChain: place.certificateChain.map(fromBase64) } : null;
  } catch {
    return null;
  }
}

/** Stores the place; root alone reads it. */
export async function storePlace(files: Files, bootId: string, place: NodePlace): Promise<void> {
  const certificateChain = place.certificateChain.map(toBase64);
  const file = { kind: "kubedos/node-place", version: 1, bootId, ...place, certificateChain };
  await files.write(PATHS.node, canonicalJson(file), { mode: 0o600 });
}

/** Forgets it: the hub took the identity back. */
export async function forgetPlace(files: Files): Promise<void> {
  await files.remove(PATHS.node);
}
