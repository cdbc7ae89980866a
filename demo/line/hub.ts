import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { QemuCluster } from "../../builder/deploy/qemu-cluster.ts";
import { probeAccel } from "../../builder/guest/probe-kvm.ts";
import { prepareVars } from "../../builder/guest/prepare-vars.ts";
import { KEY_FILES } from "../../builder/keys/files.ts";
import { OPERATOR_FILES } from "../../builder/keys/issue-operator.ts";
import { makeFileSigner } from "../../builder/sign/signer.ts";
import { certificatesFromPem } from "../../proto/pki/pem.ts";
import type { Demo } from "../demo.ts";

/** Makes every vTPM, reads its EK and pins it, before anything has run on any of them. */
export async function stampGuests(demo: Demo): Promise<void> {
  const { spec, keys, release, releaseDir, tc } = demo.built;
  const vars = join(demo.state, "vars.fd");
  const certificate = (name: "pk" | "kek" | "db"): string => join(demo.keysDir, KEY_FILES[name]);
  await prepareVars(tc, { pk: certificate("pk"), kek: certificate("kek"), db: certificate("db"), ownerGuid: keys.owner, out: vars });
  demo.cluster = new QemuCluster({
    spec,
    keys,
    signer: makeFileSigner(keys),
    release,
    releaseDir,
    releaseEnvelope: await demo.releaseFile("release.json"),
    vars,
    operator: {
      key: createPrivateKey(await readFile(join(demo.operatorDir, OPERATOR_FILES.key))),
      chain: certificatesFromPem(await readFile(join(demo.operatorDir, OPERATOR_FILES.chain), "utf8")),
    },
    stateDir: demo.state,
    tc,
    accel: await probeAccel(tc, (line) => demo.report.say(line)),
    report: (line) => demo.report.say(line),
    signal: demo.signal,
  });
  await demo.cluster.stamp();
  demo.report.prove("every slot's EK is pinned before its guest boots", demo.cluster.ekNames.size === spec.topology.nodes.length);
}

/** Boots the master and lets the build host attest it over the guest agent, before any network to it is used. */
export async function attestMaster(demo: Demo): Promise<void> {
  const facts = await demo.cluster.startHub();
  const pinned = facts.anchor === "pinned" && facts.release.id === demo.built.release.id;
  demo.report.prove("the master booted exactly the release, said by its TPM over our nonce before any network", pinned, `phase ${facts.phase}`);
  const node = await demo.untilState(facts.ekName, ["connected"], 60);
  demo.report.prove("the hub's own node attested to its hub and is connected", node.name === "master", `id ${node.id}`);
}
