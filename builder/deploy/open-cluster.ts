import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PinnedEkTrust } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { secureBootStore } from "../efi/secure-boot-store.ts";
import { probeAccel } from "../guest/probe-kvm.ts";
import { type PublicKeys, readPublicKeys } from "../keys/read-public-keys.ts";
import { checkReleaseFiles, readRelease } from "../release/read-release.ts";
import { RELEASE_FILES } from "../release/release-files.ts";
import type { Signer } from "../sign/signer.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { DeployError } from "./error.ts";
import { QemuCluster } from "./qemu-cluster.ts";
import { readOperator } from "./read-operator.ts";

/** Folders from which a cluster on this host is opened. */
export interface OpenClusterRequest {
  readonly spec: ClusterSpec;
  readonly keys: PublicKeys;
  readonly signer: Signer;
  readonly releaseDir: string;
  /** Folder made by `kubedos-build operator issue`; this operator signs for the hub's own node. */
  readonly operatorDir: string;
  /** See QemuClusterRequest. */
  readonly ekTrust?: PinnedEkTrust | null;
  /** A folder a guest; absolute and short, for sockets are made in it. */
  readonly stateDir: string;
  readonly tc: Toolchain;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Verifies the release and its files, fills the variable store with our keys, and looks how guests can run here. */
export async function openCluster(request: OpenClusterRequest): Promise<QemuCluster> {
  const { keys, releaseDir, operatorDir, stateDir, tc, report } = request;
  const operator = await readOperator(operatorDir, keys, new Date());
  const release = await readRelease(releaseDir, keys.releaseKeys);
  const missing = request.spec.topology.nodes.find((node) => !release.images.some((image) => image.role === node.role));
  if (missing !== undefined) throw new DeployError("NOT_DEPLOYED", `the release has no image for role ${missing.role}`);
  await checkReleaseFiles(releaseDir, release);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const vars = join(stateDir, "vars.fd");
  // The release's own certificates: its PCR 7 is predicted from them, whatever keys came after it.
  await writeFile(vars, secureBootStore(await readPublicKeys(join(releaseDir, RELEASE_FILES.keys))));
  return new QemuCluster({
    ...request,
    release,
    releaseEnvelope: new Uint8Array(await readFile(join(releaseDir, RELEASE_FILES.release))),
    vars,
    operator,
    accel: await probeAccel(tc, report),
  });
}
