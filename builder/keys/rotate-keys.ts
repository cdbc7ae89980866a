import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { secureBootVariables } from "../efi/secure-boot-variables.ts";
import { signVariable } from "../efi/sign-variable.ts";
import { appendLog, type LogEntry, readLog } from "../sign/signing-log.ts";
import { KeysError } from "./error.ts";
import { KEY_FILES } from "./files.ts";
import { decideRotation, moveDecided, RETIRED_DIR } from "./finish-rotation.ts";
import { exportSpki } from "./import-spki.ts";
import { digestOf, encodeManifest, modeOf } from "./init-keys.ts";
import type { KeyBox } from "./key-box.ts";
import { withKeysLock } from "./keys-lock.ts";
import { laterThan, makeFirmwareKey, makeRoot } from "./make-key.ts";
import type { KeysManifest } from "./manifest.ts";
import { type KeyAccess, openBox } from "./open-box.ts";
import { checkMode, publicOf } from "./open-keys.ts";
import { type PublicKeys, readPublicKeys } from "./read-public-keys.ts";

/** Start of the names of folders in which new files are made. */
const STAGING = ".rotating-";

/** What can be rotated. With the root goes the operators' issuer. */
export const ROTATABLE = ["root", "db", "kek", "pk", "release"] as const;
/** See {@link ROTATABLE}. */
export type Rotatable = (typeof ROTATABLE)[number];

/** A rotation to be done. */
export interface RotateRequest {
  readonly dir: string;
  readonly access: KeyAccess;
  readonly what: Rotatable;
  readonly uid: number;
  readonly now: Date;
  /** True: do it even where nodes or hubs in the field won't take what is signed afterwards. */
  readonly acceptStranded: boolean;
}

/** What a rotation left. */
export interface Rotation {
  readonly manifest: KeysManifest;
  /** Folder with the files that were replaced. */
  readonly retired: string;
  /** Signed update for the variable stores of machines that run already, under the key directory. */
  readonly update: string | null;
}

/** New files, and the manifest that names them. */
interface Staged {
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  readonly manifest: KeysManifest;
  readonly update: string | null;
}

/**
 * Replaces one key of a directory; the next build uses the new one. The old files stay under `retired/`. All or nothing, also
 * at a power cut. What it means for releases and nodes stands in docs/keys.md. Throws KeysError `STRANDS_CLUSTER` and those of
 * openKeys, or SignerError `LOG_BROKEN`.
 */
export async function rotateKeys(request: RotateRequest): Promise<Rotation> {
  const { dir, access, what, uid, now } = request;
  const facts = await readPublicKeys(dir);
  await checkMode(dir);
  const { entries } = await readLog(dir, facts.releaseKeys);
  if (!request.acceptStranded) refuseStranding(what, facts, entries);
  const box = await openBox(dir, facts.cluster, access);
  // First of all: it shows a wrong passphrase before anything is made under it.
  const logKey = await box.open("release", facts.releaseKey);
  const staged = await stage(what, box, facts, now);
  const staging = await mkdtemp(join(dir, STAGING));
  try {
    for (const [name, data] of [...staged.files, [KEY_FILES.manifest, encodeManifest(staged.manifest)] as const]) await writeDurably(join(staging, name), data, modeOf(name));
    const digest = toHex(sha256(new TextEncoder().encode(encodeManifest(staged.manifest))));
    // Before it is decided: a log that says too much is better than one that says too little.
    await appendLog(dir, { at: now.toISOString(), uid, purpose: `rotate-${what}`, role: null, release: null, digest, refused: null }, logKey, facts.releaseKeys);
    const name = `${what}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
    await withKeysLock(dir, async () => {
      const { manifest } = await readPublicKeys(dir);
      if (encodeManifest(manifest) !== encodeManifest(facts.manifest)) throw new KeysError("IN_USE", `another process changed the keys in ${dir} meanwhile; nothing was rotated`);
      await decideRotation(dir, staging, name);
      await moveDecided(dir);
      // What rotations left that were killed before they were decided.
      for (const left of await readdir(dir)) if (left.startsWith(STAGING)) await rm(join(dir, left), { recursive: true, force: true });
    });
    return { manifest: staged.manifest, retired: join(dir, RETIRED_DIR, name), update: staged.update === null ? null : join(dir, staged.update) };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function refuseStranding(what: Rotatable, { manifest }: PublicKeys, entries: readonly LogEntry[]): void {
  if (what === "root") {
    throw new KeysError("STRANDS_CLUSTER", "nodes that run now take no hub and no operator under another root: the whole cluster must be built anew, ended and deployed again");
  }
  if (what !== "release" || manifest.previousReleaseKey === undefined) return;
  const since = entries.findLastIndex((entry) => entry.purpose === "rotate-release");
  const used = entries.slice(since + 1).some((entry) => entry.purpose === "release" && entry.refused === null);
  if (!used) throw new KeysError("STRANDS_CLUSTER", "no release was made since the release key was rotated last, so every image in the field knows only the key that would be forgotten now");
}

async function stage(what: Rotatable, box: KeyBox, facts: PublicKeys, now: Date): Promise<Staged> {
  switch (what) {
    case "pk":
    case "kek":
    case "db":
      return await stageFirmwareKey(what, box, facts, now);
    case "release":
      return await stageReleaseKey(box, facts);
    case "root":
      return await stageRoot(box, facts, now);
  }
}

/** A new key, and the update by which firmware that has the old one takes it: PK signs for PK and KEK, KEK for db. */
async function stageFirmwareKey(what: "pk" | "kek" | "db", box: KeyBox, facts: PublicKeys, now: Date): Promise<Staged> {
  const above = what === "db" ? "kek" : "pk";
  const signingKey = await box.open(above, publicOf(facts[above]));
  const certificate = await makeFirmwareKey(box, what, { cluster: facts.cluster, now: laterThan(facts[what], now) });
  const variable = secureBootVariables({ ...facts, [what]: certificate })[what];
  const update = `${what}.auth`;
  const auth = await signVariable(variable, signingKey, facts[above]);
  return { ...withCertificates(box, facts, { [what]: certificate }, [[update, auth]]), update };
}

/** The old key stays for one more rotation: documents are signed by both, images trust both. */
async function stageReleaseKey(box: KeyBox, facts: PublicKeys): Promise<Staged> {
  const key = await box.make("release");
  await box.keepRelease();
  const manifest = { ...facts.manifest, releaseKey: toBase64(exportSpki(key.publicKey)), previousReleaseKey: facts.manifest.releaseKey };
  return { files: box.files(), manifest, update: null };
}

async function stageRoot(box: KeyBox, facts: PublicKeys, now: Date): Promise<Staged> {
  return withCertificates(box, facts, await makeRoot(box, { cluster: facts.cluster, now }));
}

type Certificates = Partial<Record<keyof KeysManifest["certificates"], Uint8Array>>;

function withCertificates(box: KeyBox, { manifest }: PublicKeys, made: Certificates, more: readonly (readonly [string, Uint8Array])[] = []): Staged {
  const pairs = Object.entries(made) as [keyof Certificates, Uint8Array][];
  const files = new Map<string, string | Uint8Array>([...box.files(), ...more, ...pairs.map(([name, der]): [string, string] => [KEY_FILES[name], certificatesToPem(der)])]);
  const digests = Object.fromEntries(pairs.map(([name, der]) => [name, digestOf(der)]));
  return { files, manifest: { ...manifest, certificates: { ...manifest.certificates, ...digests } }, update: null };
}

async function writeDurably(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}
