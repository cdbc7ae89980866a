import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startSwtpm } from "../../../builder/guest/swtpm.ts";
import { tpmSocket } from "../../../builder/guest/tpm-socket.ts";
import { guestPaths } from "../../../builder/guest/start-guest.ts";
import { ALG } from "../../../proto/tpm/alg.ts";
import { TpmClient } from "../../../proto/tpm/client.ts";
import type { AttackWorld } from "../world.ts";

/** Switches every bank but SHA-1 off in a slot's vTPM, before its guest starts. What the EK is doesn't change. */
export async function leaveSha1Alone(world: AttackWorld, slot: string): Promise<void> {
  const { demo } = world;
  const { tpmState, log } = guestPaths(join(demo.state, slot));
  await mkdir(join(demo.state, slot), { recursive: true });
  const swtpm = await startSwtpm(demo.built.tc, { stateDir: tpmState, mode: "direct", socket: join(demo.state, slot, "alloc.sock"), logFile: log, signal: world.signal });
  try {
    const tpm = new TpmClient(tpmSocket(swtpm.socket));
    await tpm.startup();
    await tpm.allocateBanks([ALG.SHA1]);
  } finally {
    await swtpm.stop();
  }
}
