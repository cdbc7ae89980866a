import { openCluster } from "../../builder/deploy/open-cluster.ts";
import { makeFileSigner } from "../../builder/sign/signer.ts";
import type { Demo } from "../demo.ts";

/** Makes every vTPM, reads its EK and pins it, before anything has run on any of them. */
export async function stampGuests(demo: Demo): Promise<void> {
  const { spec, ekTrust, keys, releaseDir, tc } = demo.built;
  const { operatorDir, state: stateDir, signal } = demo;
  demo.cluster = await openCluster({ spec, ekTrust, keys, signer: makeFileSigner(keys), releaseDir, operatorDir, stateDir, tc, report: (line) => demo.report.say(line), signal });
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
