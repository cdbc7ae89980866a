import { createPublicKey } from "node:crypto";
import { parseEventLog } from "../../proto/eventlog/event-log.ts";
import { initialPcr, replayEventLog } from "../../proto/eventlog/replay.ts";
import { EVIDENCE_LIMITS, PHASE_WORDS } from "../../proto/evidence/limits.ts";
import type { ImageConfig, Volume } from "../../proto/release/image-config.ts";
import { VOLUME_WORD } from "../../proto/release/volume-policy.ts";
import { policyKeyOf } from "../../proto/tpm/policy-key.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { AgentError, errorCode } from "../error.ts";
import { PATHS } from "../paths.ts";
import { countWords } from "../tpm/measured-words.ts";
import { PHASE_PCR } from "../tpm/measurer.ts";
import { readBoot } from "../boot/read-boot.ts";
import { openVolume, startVolumes } from "./open-volume.ts";
import type { VolumePorts, VolumeTpm } from "./ports.ts";
import { type VolumeState, writeVolumeStates } from "./volumes-file.ts";

const POLL_MS = 50;
/** Words in PCR 11 while volumes open. */
const OPEN_WORDS = PHASE_WORDS.indexOf(VOLUME_WORD) + 1;

/**
 * Opens the image's volumes, once the agent's word stands in PCR 11, and writes down how it went. Gives the exit code: 0 when all are
 * open, 1 otherwise.
 */
export async function runVolumes(ports: VolumePorts, signal: AbortSignal): Promise<number> {
  const { config, bootId } = await readBoot(ports.files);
  const { volumes = [] } = config;
  const states = await openAll(ports, config, volumes, signal).catch((error: unknown) => volumes.map((volume) => failed(volume, error)));
  if (states === null) return 1;
  for (const state of states) ports.log.line(`volume ${state.name}: ${state.state === "open" ? "open" : `${state.code}: ${state.message}`}`);
  await writeVolumeStates(ports.files, bootId, states);
  return states.every((s) => s.state === "open") ? 0 : 1;
}

/** Null: `signal` came first. */
async function openAll(ports: VolumePorts, config: ImageConfig, volumes: readonly Volume[], signal: AbortSignal): Promise<readonly VolumeState[] | null> {
  if (volumes.length === 0) return [];
  if (config.policyKey === undefined) throw new AgentError("BAD_CONFIG", "the image has data volumes and no key that approves PCR policies");
  const key = policyKeyOf(createPublicKey({ key: Buffer.from(fromBase64(config.policyKey)), format: "der", type: "spki" }));
  const tpm = await ports.openTpm();
  if (!(await untilOpen(ports, tpm, signal))) return null;
  const session = await startVolumes(ports, tpm, config, key);
  const states: VolumeState[] = [];
  for (const volume of volumes) {
    const opening = openVolume(session, volume).then((made): VolumeState => ({ name: volume.name, state: "open", made }));
    states.push(await opening.catch((error: unknown) => failed(volume, error)));
  }
  return states;
}

function failed({ name }: Volume, error: unknown): VolumeState {
  return { name, state: "failed", code: errorCode(error), message: errorChain(error).slice(0, 1024) };
}

/** The agent may be later than this process. False: `signal` came first. Throws {@link AgentError} `VOLUMES_CLOSED`: no TPM opens them any more in this boot. */
async function untilOpen({ files, clock }: VolumePorts, tpm: VolumeTpm, signal: AbortSignal): Promise<boolean> {
  const log = await files.read(PATHS.firmwareLog, EVIDENCE_LIMITS.firmwareLog);
  if (log === null) throw new AgentError("PCR_UNEXPLAINED", "the firmware left no event log");
  const afterFirmware = replayEventLog(parseEventLog(log), "sha256").get(PHASE_PCR) ?? initialPcr(PHASE_PCR, 32, 0);
  while (!signal.aborted) {
    const pcr11 = (await tpm.readPcrs([PHASE_PCR])).get(PHASE_PCR);
    if (pcr11 === undefined) throw new AgentError("TPM_MISSING", "the TPM has no PCR 11 in its SHA-256 bank");
    const words = countWords(pcr11, afterFirmware);
    if (words > OPEN_WORDS) throw new AgentError("VOLUMES_CLOSED", `volumes are opened before ${PHASE_WORDS[OPEN_WORDS]} is in PCR 11, and it is there`);
    if (words === OPEN_WORDS) return true;
    await clock.sleep(POLL_MS, signal);
  }
  return false;
}
