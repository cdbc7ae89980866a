import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { encodeEnvelope, openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { parsePins, type PinnedEkTrust, type Pins, PINS_TYPE } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseCanonicalJson } from "../../proto/wire/json.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import type { Signer } from "../sign/signer.ts";
import { DeployError } from "./error.ts";
import { lockFolder, PID_FILE } from "./lock-folder.ts";
import { makePins } from "./stamp.ts";

/** Files of a cluster's state folder beside the guests' own folders. */
export const STATE_FILES = { owner: "state.json", pins: "pins.json" } as const;

/** Whose guests are in a folder. Written before the first of them. */
const ownerSchema = z.strictObject({
  kind: z.literal("kubedos/state"),
  version: z.literal(1),
  cluster: dnsLabel,
  /** SHA-256 of the release key's SPKI: a cluster of the same name with other keys is another cluster. */
  releaseKey: hexText(32),
});

const MAX_OWNER_BYTES = 1024;

/** What of the keys a state folder is bound to. */
export type StateKeys = Pick<PublicKeys, "cluster" | "releaseKey">;

/**
 * Takes a folder for this process and this cluster, and gives back what releases it. Made when absent; one that is there
 * must be empty or be this cluster's. Throws DeployError `STATE_IN_USE`, `OTHER_CLUSTER` or `FOREIGN_FOLDER`; then nothing in
 * the folder was changed.
 */
export async function openState(stateDir: string, keys: StateKeys): Promise<() => Promise<void>> {
  const file = join(stateDir, STATE_FILES.owner);
  const found = existsSync(stateDir) ? await readdir(stateDir) : [];
  if (!existsSync(file) && found.some((name) => name !== PID_FILE)) {
    throw new DeployError("FOREIGN_FOLDER", `${stateDir} holds files of something else; take an empty folder`);
  }
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const own = canonicalJson({ kind: "kubedos/state", version: 1, cluster: keys.cluster, releaseKey: digestOf(keys) });
  const unlock = await lockFolder(stateDir);
  try {
    if (existsSync(file)) await checkOwner(file, keys);
    else await writeFile(file, own, { mode: 0o600 });
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function checkOwner(file: string, keys: StateKeys): Promise<void> {
  const owner = await readOwner(file);
  if (owner.cluster !== keys.cluster) throw new DeployError("OTHER_CLUSTER", `${file} says that these are the guests of cluster "${owner.cluster}", not of "${keys.cluster}"`);
  if (owner.releaseKey !== digestOf(keys)) throw new DeployError("OTHER_CLUSTER", `${file} says that these guests were stamped with other keys of a cluster "${keys.cluster}"`);
}

async function readOwner(file: string): Promise<z.output<typeof ownerSchema>> {
  const data = await readFile(file);
  try {
    return parseCanonicalJson(ownerSchema, new Uint8Array(data), MAX_OWNER_BYTES);
  } catch (cause) {
    throw new DeployError("FOREIGN_FOLDER", `${file} is not what a deployment writes`, { cause });
  }
}

function digestOf({ releaseKey }: StateKeys): string {
  return toHex(sha256(new Uint8Array(releaseKey.export({ type: "spki", format: "der" }))));
}

/**
 * The signed pin file for what was stamped, with the certificates that count beside it (read-ek-trust.ts; null: none). One that is there already and says the same stays as it is, to the byte; one that
 * differs is followed by the next serial, so that a hub never goes back. A slot's pin never changes by itself: another EK in
 * a pinned slot is another machine. Throws DeployError `OTHER_CLUSTER` or `WRONG_EK`.
 */
export async function writePins(stateDir: string, spec: ClusterSpec, keys: StateKeys, signer: Signer, stamped: ReadonlyMap<string, string>, ekTrust: PinnedEkTrust | null = null): Promise<Uint8Array> {
  const file = join(stateDir, STATE_FILES.pins);
  const old = existsSync(file) ? await readPins(file, keys) : null;
  if (old !== null && old.pins.cluster !== spec.metadata.name) throw new DeployError("OTHER_CLUSTER", `${file} pins the guests of cluster "${old.pins.cluster}"`);
  for (const { name, ekName } of old?.pins.slots ?? []) {
    const now = stamped.get(name);
    if (ekName !== null && now !== undefined && now !== ekName) {
      throw new DeployError("WRONG_EK", `the vTPM of ${name} has EK ${now}, but ${ekName} was pinned when it was stamped; its state was replaced or lost`);
    }
  }
  const same = old !== null && Buffer.compare(canonicalJson(makePins(spec, old.pins.serial, stamped, ekTrust)), canonicalJson(old.pins)) === 0;
  if (same) return old.envelope;
  const envelope = encodeEnvelope(await signer.signDocument("pins", canonicalJson(makePins(spec, (old?.pins.serial ?? 0) + 1, stamped, ekTrust))));
  await writeFile(`${file}.new`, envelope, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return envelope;
}

/** Reads and verifies a pin file. Throws WireError or a file system's error. */
export async function readPins(file: string, keys: Pick<PublicKeys, "releaseKey">): Promise<{ readonly pins: Pins; readonly envelope: Uint8Array }> {
  const envelope = new Uint8Array(await readFile(file));
  return { pins: parsePins(openEnvelope(PINS_TYPE, parseEnvelope(envelope), [keys.releaseKey])), envelope };
}

/** Deletes a state folder with its TPMs: the machines in it are gone for good. Throws DeployError `NOT_DEPLOYED` or `STATE_IN_USE`. */
export async function destroyState(stateDir: string): Promise<void> {
  const file = join(stateDir, STATE_FILES.owner);
  if (!existsSync(file)) throw new DeployError("NOT_DEPLOYED", `${stateDir} is no folder of a deployment`);
  await readOwner(file);
  const unlock = await lockFolder(stateDir);
  try {
    await rm(stateDir, { recursive: true });
  } finally {
    await unlock();
  }
}
