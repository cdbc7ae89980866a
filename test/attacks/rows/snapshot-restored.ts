import { join } from "node:path";
import type { PeerStatus } from "../../../agent/status/status.ts";
import { QmpClient } from "../../../builder/guest/qmp-client.ts";
import type { Attack, AttackProof } from "../attack.ts";
import type { AttackWorld } from "../world.ts";

const MONITOR = "snapshot.sock";
const SNAPSHOT = "snapshot.vm";
const SAVE_SECONDS = 120;

/** A connected machine's memory, devices and TPM are saved; it lives on, is ended, and the saved one is started. */
export const snapshotRestored: Attack = {
  name: "snapshot-restored",
  title: "a connected machine set back to a snapshot of its memory and its vTPM",
  ci: false,
  async run(world) {
    const at = (file: string): string => join(world.demo.state, world.name, file);
    const monitor = ["-chardev", `socket,id=attacker,path=${at(MONITOR)},server=on,wait=off`, "-mon", "chardev=attacker,mode=control"];
    const first = await world.start(world.name, { extraArgv: monitor });
    const ekName = await first.untilEk();
    await world.untilState(ekName, ["pending"]);
    const inside = await world.approve(ekName);
    const before = await untilKeys(world, []);
    const proofs: AttackProof[] = [{ what: "the machine is approved and connected, and the master's kernel has its keys", held: inside.state === "connected", detail: `${before.length} keys` }];
    await saveMachine(world, at(MONITOR), at(SNAPSHOT));
    await first.stop();
    // As libvirt and Proxmox start a machine from a snapshot: with another generation id.
    const second = await world.start(world.name, { extraArgv: [...monitor, "-set", "device.genid.guid=auto", "-incoming", `file:${at(SNAPSHOT)}`] });
    await second.untilSerial(/set back to a snapshot or copied/, 60);
    proofs.push({ what: "its agent notices, and drops its keys and peers", held: true, detail: "its console says so" });
    const after = await untilKeys(world, before);
    proofs.push({ what: "it attested anew at once: the master's kernel has three new keys of it, and none that was in the snapshot", held: after.length === 3, detail: `${after.length} new keys` });
    const node = await world.untilState(ekName, ["connected"], 60);
    proofs.push({ what: "and it is in its place again, by the approval that it had", held: node.attached, detail: node.state });
    // The hub says connected a moment before the guest's kernel has its planes.
    const up = await world.until("its planes to be up", 60, async () => {
      const planes = (await second.status())?.planes.filter((plane) => plane.up) ?? [];
      return planes.length === 3 ? planes : null;
    });
    proofs.push({ what: "its own kernel, read from inside, has all planes up again", held: true, detail: `${up.length} planes` });
    const { text } = await world.explain(ekName);
    return { end: "no-effect", code: "-", explanation: text, proofs, image: second.image, serial: await second.serial() };
  },
};

/** Writes memory, devices and the TPM's state to a file, and lets the machine go on. */
async function saveMachine(world: AttackWorld, monitor: string, file: string): Promise<void> {
  let state = "";
  const qmp = await QmpClient.connect(monitor, (event, data) => {
    if (event === "MIGRATION") state = String(data["status"]);
  });
  try {
    await qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: "events", state: true }] });
    await qmp.execute("migrate", { uri: `file:${file}` });
    await world.until("the snapshot to be written", SAVE_SECONDS, () => Promise.resolve(state === "completed" || state === "failed" ? state : null));
    if (state !== "completed") throw new Error(`the snapshot was not written: ${state}`);
    await qmp.execute("cont");
  } finally {
    qmp.close();
  }
}

/** The machine's three WireGuard keys in the master's own kernel, once they are there and none of `old` is. */
async function untilKeys(world: AttackWorld, old: readonly string[]): Promise<readonly string[]> {
  return await world.until("the master's kernel to have three keys of it", 120, async () => {
    const peers = (await world.master()).planes.flatMap((plane): readonly PeerStatus[] => plane.peers);
    const keys = peers.filter((peer) => peer.name === world.name).map((peer) => peer.publicKey);
    return keys.length === 3 && !keys.some((key) => old.includes(key)) ? keys : null;
  });
}
