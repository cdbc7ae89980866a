import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PinnedEkTrust } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { prepareVars } from "../guest/prepare-vars.ts";
import { probeAccel } from "../guest/probe-kvm.ts";
import { KEY_FILES } from "../keys/files.ts";
import type { OpenKeys } from "../keys/open-keys.ts";
import { checkReleaseFiles, readRelease } from "../release/read-release.ts";
import { RELEASE_FILES } from "../release/release-files.ts";
import { makeFileSigner } from "../sign/signer.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { DeployError } from "./error.ts";
import { QemuCluster } from "./qemu-cluster.ts";
import { readOperator } from "./read-operator.ts";

/** Folders from which a cluster on this host is opened. */
export interface OpenClusterRequest {
  readonly spec: ClusterSpec;
  readonly keys: OpenKeys;
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
  const release = await readRelease(releaseDir, [keys.releaseKey]);
  const missing = request.spec.topology.nodes.find((node) => !release.images.some((image) => image.role === node.role));
  if (missing !== undefined) throw new DeployError("NOT_DEPLOYED", `the release has no image for role ${missing.role}`);
  await checkReleaseFiles(releaseDir, release);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const vars = join(stateDir, "vars.fd");
  const certificate = (name: "pk" | "kek" | "db"): string => join(releaseDir, RELEASE_FILES.keys, KEY_FILES[name]);
  await prepareVars(tc, { pk: certificate("pk"), kek: certificate("kek"), db: certificate("db"), ownerGuid: keys.owner, out: vars });
  return new QemuCluster({
    ...request,
    signer: makeFileSigner(keys),
    release,
    releaseEnvelope: new Uint8Array(await readFile(join(releaseDir, RELEASE_FILES.release))),
    vars,
    operator,
    accel: await probeAccel(tc, report),
  });
}
