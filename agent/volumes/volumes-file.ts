import { z } from "zod";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { dnsLabel } from "../../proto/wire/text.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";

const MAX_FILE_BYTES = 16 * 1024;

const stateSchema = z.discriminatedUnion("state", [
  z.strictObject({ name: dnsLabel, state: z.literal("open"), made: z.boolean() }),
  z.strictObject({ name: dnsLabel, state: z.literal("failed"), code: z.string().max(64), message: z.string().max(1024) }),
]);
/** How opening one volume ended; `made`: in this boot. */
export type VolumeState = z.output<typeof stateSchema>;

const fileSchema = z.strictObject({ kind: z.literal("kubedos/volumes"), version: z.literal(1), bootId: z.uuid(), volumes: z.array(stateSchema).max(16) });

/** Says for this boot how it went, to the agent, on a tmpfs that root alone writes. */
export async function writeVolumeStates(files: Files, bootId: string, volumes: readonly VolumeState[]): Promise<void> {
  await files.write(PATHS.volumes, canonicalJson({ kind: "kubedos/volumes", version: 1, bootId, volumes }), { mode: 0o644 });
}

/** What {@link writeVolumeStates} said in this boot; null where it hasn't yet. Throws WireError. */
export async function readVolumeStates(files: Files, bootId: string): Promise<readonly VolumeState[] | null> {
  const data = await files.read(PATHS.volumes, MAX_FILE_BYTES);
  if (data === null) return null;
  const file = parseJson(fileSchema, data, MAX_FILE_BYTES);
  return file.bootId === bootId ? file.volumes : null;
}
