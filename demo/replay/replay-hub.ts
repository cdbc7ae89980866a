import { createPrivateKey, randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDelivery } from "../../builder/deploy/make-delivery.ts";
import { initKeys } from "../../builder/keys/init-keys.ts";
import { issueOperator, OPERATOR_FILES } from "../../builder/keys/issue-operator.ts";
import { type OpenKeys, openKeys } from "../../builder/keys/open-keys.ts";
import { makeImageConfig } from "../../builder/release/make-image-config.ts";
import { findRole, readRoles } from "../../builder/roles/read-roles.ts";
import type { RoleDefinition } from "../../builder/roles/role.ts";
import { makeFileSigner } from "../../builder/sign/signer.ts";
import { hostPorts } from "../../hub/host/host-ports.ts";
import type { Log } from "../../hub/ports.ts";
import { type RunningHub, serveHub } from "../../hub/serve.ts";
import { certificatesFromPem } from "../../proto/pki/pem.ts";
import { type ImageConfig, parseImageConfig } from "../../proto/release/image-config.ts";
import { imageInputs } from "../../proto/spec/image-inputs.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { judgeRecorded, recordedJudge } from "./judge-recorded.ts";
import { RecordedEntropy } from "./recorded-entropy.ts";
import { recordedNode, type Recording } from "./recording.ts";

/** The hub's own slot in the recorded cluster. */
const HUB_SLOT = "master";

/** A hub of this process that judges a recording, and the operator who talks to it. */
export interface ReplayHub {
  readonly running: RunningHub;
  readonly image: ImageConfig;
  readonly entropy: RecordedEntropy;
  /** What the operator's CLI needs to reach it. */
  readonly connection: readonly string[];
}

/** What {@link startReplayHub} needs. */
export interface ReplayHubRequest {
  readonly recording: Recording;
  /** Planes and times of the cluster. */
  readonly spec: ClusterSpec;
  /** A folder of its own: database, keys of this replay, operator. */
  readonly dir: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Starts the whole hub on loopback as an image would, with a root, issuers and an operator made for this replay alone. Release
 * and pins are the recorded ones under the recorded signature; only the delivery around them is signed anew, because it
 * certifies this hub's keys.
 */
export async function startReplayHub({ recording, spec, dir, log, signal }: ReplayHubRequest): Promise<ReplayHub> {
  const keys = await makeKeys(dir, recording.facts.cluster);
  const image = imageOf(spec, findRole(await readRoles(), HUB_SLOT), keys, recording);
  const entropy = new RecordedEntropy(hostPorts().entropy);
  // Nothing outlives a replay, and it needs no TPM.
  const floor = { read: async () => 0, raise: async () => undefined };
  const ports = { ...hostPorts(), log, entropy, floor, judge: recordedJudge(recording) };
  const stop = new AbortController();
  const options = { image, stateDir: dir, runDir: dir, listen: "127.0.0.1", nodePort: 0, operatorPort: 0, signal: AbortSignal.any([stop.signal, signal]) };
  const starting = serveHub(options, ports);
  // Awaited below; a failure before that is no unhandled one.
  starting.catch(() => undefined);
  try {
    await deliver(dir, keys, recording);
  } catch (error) {
    stop.abort();
    throw error;
  }
  const running = await starting;
  const connection = ["--hub", `127.0.0.1:${running.operatorPort}`, "--identity", operatorDir(dir)];
  return { running, image, entropy, connection };
}

async function makeKeys(dir: string, cluster: string): Promise<OpenKeys> {
  const keysDir = join(dir, "keys");
  const now = new Date();
  const passphrase = randomBytes(24).toString("base64url");
  await initKeys({ dir: keysDir, cluster, passphrase, now });
  const keys = await openKeys(keysDir, passphrase);
  await issueOperator({ keys, name: "alice", operatorRole: "admin", out: operatorDir(dir), now });
  return keys;
}

function operatorDir(dir: string): string {
  return join(dir, "operator");
}

/** What the master's image would say if it were built with this replay's root and for both release keys. */
function imageOf(spec: ClusterSpec, role: RoleDefinition, keys: OpenKeys, recording: Recording): ImageConfig {
  const { releaseKeys, policyKey, root } = keys;
  const image = parseImageConfig(makeImageConfig({ spec: imageInputs(spec), role, releaseKeys, policyKey, root, epoch: recording.release.epoch }));
  return { ...image, releaseKeys: [...image.releaseKeys, toBase64(recording.releaseKey.export({ type: "spki", format: "der" }))] };
}

/** Puts the delivery where the agent would, by renaming. */
async function deliver(dir: string, keys: OpenKeys, recording: Recording): Promise<void> {
  const verdict = judgeRecorded(recording, recordedNode(recording, HUB_SLOT));
  if (!verdict.ok) throw new Error(`the recorded evidence of the hub's own node is refused: ${verdict.code}`);
  const issuers = JSON.parse(await readFile(join(dir, "issuers.json"), "utf8")) as { readonly hub: string; readonly node: string };
  const delivery = await makeDelivery({
    // The issuing keys in the recorded claims ended with the recorded hub; those of this hub take their place.
    facts: { ...verdict.facts, claims: { ...verdict.facts.claims, issuers } },
    signer: makeFileSigner(keys),
    operatorIssuer: keys.operatorIssuer,
    slot: HUB_SLOT,
    releases: [recording.envelopes.release],
    pins: recording.envelopes.pins,
    operator: {
      key: createPrivateKey(await readFile(join(operatorDir(dir), OPERATOR_FILES.key))),
      chain: certificatesFromPem(await readFile(join(operatorDir(dir), OPERATOR_FILES.chain), "utf8")),
    },
    now: new Date(),
  });
  const path = join(dir, "delivery.json");
  await writeFile(`${path}.tmp`, delivery);
  await rename(`${path}.tmp`, path);
}
