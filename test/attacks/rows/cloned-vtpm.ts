import type { Status } from "../../../agent/status/status.ts";
import { uuidOf } from "../../../builder/deploy/qemu-cluster.ts";
import type { Attack, AttackProof } from "../attack.ts";
import type { AttackGuest } from "../attack-guest.ts";
import type { AttackWorld } from "../world.ts";

const ORIGINAL = "cloned-vtpm";
/** Gives the copy an address of its own, and no more. */
const PLACE = "cloned-vtpm-copy";

/** A machine that was let in is copied, its vTPM's state with it, and both run. */
export const clonedVtpm: Attack = {
  name: "cloned-vtpm",
  title: "a connected machine's vTPM state copied, and a second machine started with it while the first runs",
  ci: false,
  guests: 2,
  slots: [ORIGINAL, PLACE],
  async run(world) {
    const original = await world.start(ORIGINAL);
    const ekName = await original.untilEk();
    await world.untilState(ekName, ["pending"]);
    const inside = await world.approve(ekName);
    const proofs: AttackProof[] = [{ what: "the original is approved and connected", held: inside.state === "connected" && inside.attached, detail: inside.state }];

    const address = world.demo.built.spec.network.addresses?.[PLACE] ?? "";
    // Whoever copies a machine copies what its firmware measures too: a new UUID would show in PCR 1.
    const uuid = uuidOf(world.demo.built.keys.cluster, ORIGINAL);
    const copy = await world.start(ORIGINAL, { identity: "copy", address, extraArgv: ["-uuid", uuid] });
    const shown = await copy.untilEk();
    proofs.push({ what: "the copy shows the same EK, and its TPM can prove it", held: shown === ekName, detail: shown.slice(-8) });
    await world.untilState(ekName, ["quarantined"], 120);
    proofs.push(...(await bothRefused(world, [original, copy])), ...(await expelled(world, ORIGINAL, ekName)));
    const { node, text } = await world.explain(ekName);
    return { end: "outside", code: node.code, explanation: text, proofs, image: copy.image, serial: await copy.serial() };
  },
};

/** Each guest's own word. */
async function bothRefused(world: AttackWorld, guests: readonly AttackGuest[]): Promise<readonly AttackProof[]> {
  return await Promise.all(
    guests.map(async (guest) => {
      const status = await world.until(`${guest.name} to be told`, 90, async () => {
        const said = await guest.status();
        return said?.node.state === "refused" && peersOf(said).length === 0 ? said : null;
      });
      const { node } = status;
      return { what: `${guest.name}, read from inside, is refused and has no peer`, held: node.state === "refused" && node.code === "CLONE_DETECTED", detail: node.state === "refused" ? `${node.code}: ${node.message}` : node.state };
    }),
  );
}

/** That a machine which was inside is out again: at the hub, and in the master's kernel. */
export async function expelled(world: AttackWorld, slot: string, ekName: string): Promise<readonly AttackProof[]> {
  const node = await world.node(ekName);
  const peers = peersOf(await world.master());
  return [
    { what: "the hub shows it quarantined, without an address on any plane", held: node?.state === "quarantined" && Object.keys(node.planes).length === 0, detail: `${node?.state ?? "unknown"} ${node?.code ?? ""}` },
    { what: "the master's kernel, read from inside, has no peer for it, and has the honest worker", held: !peers.includes(slot) && peers.includes(world.honest.slot), detail: `peers: ${[...new Set(peers)].sort().join(", ")}` },
  ];
}

function peersOf(status: Status): readonly string[] {
  return status.planes.flatMap((plane) => plane.peers.map((peer) => peer.name));
}
