import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { encodeEnvelope, keyId, openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { parsePins, type PinnedEkTrust, type Pins, PINS_TYPE } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseCanonicalJson } from "../../proto/wire/json.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import { exportSpki } from "../keys/import-spki.ts";
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
  /** SHA-256 of a release key's SPKI: a cluster of the same name with other keys is another cluster. After a rotation it is the newer key's. */
  releaseKey: hexText(32),
});

const MAX_OWNER_BYTES = 1024;

/** What of the keys a state folder is bound to. */
export type StateKeys = Pick<PublicKeys, "cluster" | "releaseKeys">;

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
  const own = canonicalJson({ kind: "kubedos/state", version: 1, cluster: keys.cluster, releaseKey: digestsOf(keys)[0] });
  const unlock = await lockFolder(stateDir);
  try {
    if (existsSync(file)) await checkOwner(file, keys);
    // Anew where the release key was rotated: before the older one is forgotten.
    await replaceFile(file, own);
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function checkOwner(file: string, keys: StateKeys): Promise<void> {
  const owner = await readOwner(file);
  if (owner.cluster !== keys.cluster) throw new DeployError("OTHER_CLUSTER", `${file} says that these are the guests of cluster "${owner.cluster}", not of "${keys.cluster}"`);
  if (!digestsOf(keys).includes(owner.releaseKey)) throw new DeployError("OTHER_CLUSTER", `${file} says that these guests were stamped with other keys of a cluster "${keys.cluster}"`);
}

async function readOwner(file: string): Promise<z.output<typeof ownerSchema>> {
  const data = await readFile(file);
  try {
    return parseCanonicalJson(ownerSchema, new Uint8Array(data), MAX_OWNER_BYTES);
  } catch (cause) {
    throw new DeployError("FOREIGN_FOLDER", `${file} is not what a deployment writes`, { cause });
  }
}

function digestsOf({ releaseKeys }: StateKeys): readonly string[] {
  return releaseKeys.map((key) => toHex(sha256(exportSpki(key))));
}

async function replaceFile(file: string, data: Uint8Array): Promise<void> {
  await writeFile(`${file}.new`, data, { mode: 0o600 });
  await rename(`${file}.new`, file);
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
  if (same && isSignedByAll(old.envelope, keys)) return old.envelope;
  // What says the same and only lacks the signature of a newer key keeps its serial: a hub takes it for what it has.
  const serial = (old?.pins.serial ?? 0) + (same ? 0 : 1);
  const envelope = encodeEnvelope(await signer.signDocument("pins", canonicalJson(makePins(spec, serial, stamped, ekTrust))));
  await replaceFile(file, envelope);
  return envelope;
}

function isSignedByAll(envelope: Uint8Array, { releaseKeys }: StateKeys): boolean {
  const signers = parseEnvelope(envelope).signatures.map(({ keyid }) => keyid);
  return releaseKeys.every((key) => signers.includes(keyId(key)));
}

/** Reads and verifies a pin file. Throws WireError or a file system's error. */
export async function readPins(file: string, keys: Pick<PublicKeys, "releaseKeys">): Promise<{ readonly pins: Pins; readonly envelope: Uint8Array }> {
  const envelope = new Uint8Array(await readFile(file));
  return { pins: parsePins(openEnvelope(PINS_TYPE, parseEnvelope(envelope), keys.releaseKeys)), envelope };
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
