import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeEnvelope, openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { parsePins, type Pins, PINS_TYPE } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import type { OpenKeys } from "../keys/open-keys.ts";
import type { Signer } from "../sign/signer.ts";
import { DeployError } from "./error.ts";
import { makePins } from "./stamp.ts";

/** Files of a cluster's state folder beside the guests' own folders. */
export const STATE_FILES = { pins: "pins.json", lock: "deploy.pid" } as const;

/**
 * The signed pin file for what was stamped. One that is there already and says the same stays as it is; one that differs
 * is followed by the next serial, so that a hub never goes back. Throws DeployError `STATE_EXISTS` for another cluster's folder.
 */
export async function writePins(stateDir: string, spec: ClusterSpec, keys: OpenKeys, signer: Signer, stamped: ReadonlyMap<string, string>): Promise<Uint8Array> {
  const file = join(stateDir, STATE_FILES.pins);
  const old = existsSync(file) ? await readPins(file, keys) : null;
  if (old !== null && old.pins.cluster !== spec.metadata.name) {
    throw new DeployError("STATE_EXISTS", `${stateDir} holds the guests of cluster "${old.pins.cluster}"`);
  }
  const same = old !== null && Buffer.compare(canonicalJson(makePins(spec, old.pins.serial, stamped)), canonicalJson(old.pins)) === 0;
  if (same) return old.envelope;
  const envelope = encodeEnvelope(await signer.signDocument("pins", canonicalJson(makePins(spec, (old?.pins.serial ?? 0) + 1, stamped))));
  await writeFile(file, envelope, { mode: 0o600 });
  return envelope;
}

/** Reads and verifies a pin file. Throws WireError or a file system's error. */
export async function readPins(file: string, keys: Pick<OpenKeys, "releaseKey">): Promise<{ readonly pins: Pins; readonly envelope: Uint8Array }> {
  const envelope = new Uint8Array(await readFile(file));
  return { pins: parsePins(openEnvelope(PINS_TYPE, parseEnvelope(envelope), [keys.releaseKey])), envelope };
}

/** Takes the folder for this process; a second one is refused while it lives. Gives back what releases it. */
export async function lockState(stateDir: string): Promise<() => Promise<void>> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await refuseWhileRunning(stateDir);
  const file = join(stateDir, STATE_FILES.lock);
  await writeFile(file, String(process.pid), { mode: 0o600 });
  return async () => await rm(file, { force: true });
}

/** Deletes a state folder with its TPMs: the machines in it are gone for good. Throws DeployError. */
export async function destroyState(stateDir: string): Promise<void> {
  if (!existsSync(join(stateDir, STATE_FILES.pins))) throw new DeployError("NOT_DEPLOYED", `${stateDir} is no folder of a deployment`);
  await refuseWhileRunning(stateDir);
  await rm(stateDir, { recursive: true });
}

async function refuseWhileRunning(stateDir: string): Promise<void> {
  const pid = Number(await readFile(join(stateDir, STATE_FILES.lock), "utf8").catch(() => "0"));
  if (pid > 0 && alive(pid)) throw new DeployError("STATE_EXISTS", `process ${pid} runs the guests in ${stateDir}; end it first`);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
