import { volumePolicyRef, VOLUME_PCRS } from "../../proto/release/volume-policy.ts";
import type { ImageConfig, Volume } from "../../proto/release/image-config.ts";
import type { PolicyKey } from "../../proto/tpm/policy-key.ts";
import { SealError, type SealErrorCode } from "../../proto/tpm/seal-error.ts";
import type { SealScope } from "../../proto/tpm/sealing.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { AgentError, type AgentErrorCode } from "../error.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";
import { classifyDisk, HEADER_PIECES } from "./classify-disk.ts";
import { type Disk, findDisk } from "./find-disk.ts";
import { addTokenArgv, checkFileSystemArgv, closeArgv, dumpArgv, formatArgv, HEADER_BYTES, makeFileSystemArgv, mapperPath, mountArgv, openArgv } from "./luks.ts";
import { readHeader } from "./luks-header.ts";
import type { VolumePorts, VolumeTpm } from "./ports.ts";
import { readApprovals } from "./read-approvals.ts";
import { decodeToken, encodeToken } from "./volume-token.ts";

const KEY_BYTES = 32;
/** Below this there is no space for the header, tags and a file system. */
const LEAST_BYTES = 32 * 1024 * 1024;
const MAX_MOUNTS_BYTES = 1024 * 1024;
/** e2fsck: 1 means that it mended something. */
const MENDED = 1;

/** What every volume of a boot is opened with. */
export interface VolumeSession {
  readonly ports: VolumePorts;
  readonly tpm: VolumeTpm;
  readonly scope: SealScope;
}

/** Reads what was approved for this image. `key` is the image's. */
export async function startVolumes(ports: VolumePorts, tpm: VolumeTpm, config: ImageConfig, key: PolicyKey): Promise<VolumeSession> {
  const approved = (await readApprovals(ports)).filter((a) => a.pcrs.join() === VOLUME_PCRS.join());
  const policyRef = volumePolicyRef(config.cluster, config.role);
  return { ports, tpm, scope: { key, policyRef, pcrs: VOLUME_PCRS, approved, entropy: (n) => ports.entropy.bytes(n) } };
}

/**
 * From a disk to a mounted file system; a blank one is made a volume first. Each step may be the last before a power cut, and all of them
 * run again at the next boot. True: it was made in this boot. Throws {@link AgentError} with a VolumeErrorCode, or `COMMAND_FAILED`; then nothing on the disk was changed.
 */
export async function openVolume(session: VolumeSession, volume: Volume): Promise<boolean> {
  const { files, blocks, runner } = session.ports;
  if (await isMounted(files, volume)) return false;
  // Left open by a process that was killed, perhaps before the header was written.
  if (await files.exists(mapperPath(volume.name))) await runner.run(closeArgv(volume.name));
  const disk = await findDisk(files, volume.name);
  const contents = await classifyDisk(blocks, disk);
  if (contents === "foreign") throw new AgentError("VOLUME_FOREIGN", `${disk.path} holds something that isn't a volume of ours, and it stays as it is`);
  if (contents !== "luks") await makeVolume(session, volume, disk);
  await unlock(session, volume, disk);
  await mount(session.ports, volume);
  return contents !== "luks";
}

/** Makes header, tags and file system; the header goes to the disk at the end and makes it a volume. */
async function makeVolume({ ports, tpm, scope }: VolumeSession, volume: Volume, disk: Disk): Promise<void> {
  const { runner, files, blocks, log } = ports;
  if (disk.bytes < LEAST_BYTES) throw new AgentError("VOLUME_TOO_SMALL", `${disk.path} has ${disk.bytes} bytes, a volume needs ${LEAST_BYTES}`);
  const header = headerPath(volume);
  const key = ports.entropy.bytes(KEY_BYTES);
  // Sealed first: a boot that couldn't open the volume again doesn't make one.
  const token = encodeToken(await sealing(tpm.seal(key, scope)));
  log.line(`volume ${volume.name}: ${disk.path} is blank, making it (${Math.round(disk.bytes / 2 ** 20)} MiB)`);
  await files.write(header, new Uint8Array(HEADER_BYTES), { mode: 0o600 });
  await runner.run(formatArgv(disk.path, header), toHex(key));
  await runner.run(openArgv(disk.path, header, volume.name), toHex(key));
  await runner.run(makeFileSystemArgv(volume.name));
  await runner.run(closeArgv(volume.name));
  await runner.run(addTokenArgv(header), JSON.stringify(token));
  const bytes = await files.read(header, HEADER_BYTES);
  if (bytes?.length !== HEADER_BYTES) throw new AgentError("COMMAND_OUTPUT", "cryptsetup changed the header's size");
  for (const [from, to] of HEADER_PIECES) await blocks.write(disk.path, from, bytes.subarray(from, to));
}

/** Checks a copy of the header, so that the disk can't show another one to whoever opens it, and opens by that copy. */
async function unlock({ ports, tpm, scope }: VolumeSession, volume: Volume, disk: Disk): Promise<void> {
  const { runner, files, blocks } = ports;
  const header = headerPath(volume);
  await files.write(header, await blocks.read(disk.path, 0, HEADER_BYTES), { mode: 0o600 });
  const dumped = await runner.run(dumpArgv(header)).catch((cause: unknown) => {
    throw new AgentError("VOLUME_ALTERED", "the volume's header can't be read", { cause });
  });
  const key = await sealing(tpm.unseal(decodeToken(readHeader(dumped)), scope));
  await runner.run(openArgv(disk.path, header, volume.name), toHex(key)).catch((cause: unknown) => {
    throw new AgentError("VOLUME_ALTERED", "the sealed key doesn't open the volume", { cause });
  });
  await files.remove(header);
}

async function mount({ runner }: VolumePorts, { name, mount: target }: Volume): Promise<void> {
  await runner.run(checkFileSystemArgv(name), "", [0, MENDED]).catch((cause: unknown) => {
    throw new AgentError("VOLUME_DAMAGED", `the file system of volume ${name} needs a decision that no machine can take`, { cause });
  });
  await runner.run(["mkdir", "-p", target]);
  await runner.run(mountArgv(name, target));
}

async function isMounted(files: Files, { mount: target }: Volume): Promise<boolean> {
  const mounts = new TextDecoder().decode((await files.read(PATHS.mounts, MAX_MOUNTS_BYTES)) ?? undefined);
  return mounts.split("\n").some((line) => line.split(" ")[1] === target);
}

function headerPath(volume: Volume): string {
  return `${PATHS.volumeHeaders}/${volume.name}.luks`;
}

const SEAL_CODES: Readonly<Record<SealErrorCode, AgentErrorCode>> = { NOT_APPROVED: "VOLUME_LOCKED", OTHER_TPM: "VOLUME_OTHER_TPM", NOT_BORN_HERE: "VOLUME_FORGED" };

async function sealing<T>(work: Promise<T>): Promise<T> {
  return await work.catch((cause: unknown) => {
    throw cause instanceof SealError ? new AgentError(SEAL_CODES[cause.code], cause.message, { cause }) : cause;
  });
}
