import { join } from "node:path";
import type { PinnedEkTrust } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import type { Signer } from "../sign/signer.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import type { DeployEvent } from "./deploy-event.ts";
import { DeployError } from "./error.ts";
import { masterOf } from "./guest-hint.ts";
import { openCluster } from "./open-cluster.ts";
import { readOperator } from "./read-operator.ts";
import { shortFolder } from "./short-folder.ts";
import { openState, STATE_FILES } from "./state-folder.ts";
import { watchGuests } from "./watch-guests.ts";

/** A deployment on this host. Paths are absolute. */
export interface DeploymentRequest {
  readonly spec: ClusterSpec;
  /** Makers' certificates of the spec's trust.ekRoots; null: it names none. */
  readonly ekTrust: PinnedEkTrust | null;
  readonly keys: PublicKeys;
  /** For pins and the delivery. */
  readonly signer: Signer;
  readonly releaseDir: string;
  readonly operatorDir: string;
  readonly stateDir: string;
  /** Nodes to boot beside the master; null for all. */
  readonly only: readonly string[] | null;
  readonly toolchain: () => Promise<Toolchain>;
  readonly emit: (event: DeployEvent) => void;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * Stamps, boots the master, attests it, delivers, boots the others, and stays until `signal` fires; then all guests are ended
 * and it resolves. Throws DeployError `STOPPED` when the signal comes before the cluster stands, and whatever stood in the way
 * otherwise; no guest outlives it either way.
 */
export async function runDeployment(request: DeploymentRequest): Promise<void> {
  const { spec, keys, operatorDir, stateDir, signal } = request;
  // What costs nothing to find out, before anything is made.
  await readOperator(operatorDir, keys, new Date());
  const release = await openState(stateDir, keys);
  try {
    const short = await shortFolder(stateDir, spec.topology.nodes.map((node) => node.name));
    try {
      await runIn(request, short.path);
    } finally {
      await short.release();
    }
  } catch (error) {
    if (signal.aborted) throw new DeployError("STOPPED", "stopped before the cluster stood; no guest is left, and stamped TPMs stay", { cause: error });
    throw error;
  } finally {
    await release();
  }
}

async function runIn(request: DeploymentRequest, guestsDir: string): Promise<void> {
  const { spec, ekTrust, keys, signer, releaseDir, operatorDir, stateDir, only, emit, report, signal } = request;
  const cluster = await openCluster({ spec, ekTrust, keys, signer, releaseDir, operatorDir, stateDir: guestsDir, tc: await request.toolchain(), report, signal });
  try {
    await cluster.stamp();
    const slots = spec.topology.nodes.map(({ name, role }) => ({ name, role, ekName: cluster.ekNames.get(name) ?? "" }));
    emit({ event: "stamped", cluster: keys.cluster, pins: join(stateDir, STATE_FILES.pins), slots });
    const master = masterOf(spec).name;
    const others = spec.topology.nodes.map((node) => node.name).filter((name) => name !== master && only?.includes(name) !== false);
    emit({ event: "booting", node: master, console: join(stateDir, master, "serial.log") });
    const { ekName } = await cluster.startHub();
    emit({ event: "hub", node: master, ekName, hub: cluster.operatorAddress, identity: operatorDir });
    for (const node of others) {
      await cluster.start(node);
      emit({ event: "booting", node, console: await cluster.console(node) });
    }
    await watchGuests(cluster, [master, ...others], emit, signal);
  } finally {
    await cluster.stop();
  }
  emit({ event: "stopped" });
}
