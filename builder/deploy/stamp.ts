import { mkdir } from "node:fs/promises";
import type { PinnedEkTrust, Pins } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { createChosenEk } from "../../proto/tpm/ek-choice.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { guestPaths } from "../guest/start-guest.ts";
import { startSwtpm } from "../guest/swtpm.ts";
import { tpmSocket } from "../guest/tpm-socket.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { stampSocket } from "./short-folder.ts";

/**
 * Makes a guest's vTPM in its folder and reads the Name of its EK (hex), before anything that isn't ours has run on it: what an anchor is
 * worth, it is worth from this moment (DESIGN §2.7). It leaves the SHA-256 bank alone active, as libvirt and Proxmox do: each bank more is one
 * that every quote covers and every verdict replays (docs/verdict.md, Banks). Throws GuestError, TpmError.
 */
export async function stampGuest(tc: Toolchain, dir: string, signal?: AbortSignal): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const { tpmState, log } = guestPaths(dir);
  const swtpm = await startSwtpm(tc, { stateDir: tpmState, mode: "direct", socket: stampSocket(dir), logFile: log, ...(signal === undefined ? {} : { signal }) });
  try {
    const tpm = new TpmClient(tpmSocket(swtpm.socket));
    await tpm.startup();
    await tpm.allocateBanks([ALG.SHA256]);
    const ek = await createChosenEk(tpm);
    await tpm.dispose();
    return toHex(nameOf(ek.publicArea));
  } finally {
    await swtpm.stop();
  }
}

/** The pin file's content: every slot of the spec, with the EK Name of each stamped one, and whose certificates count beside the pins. */
export function makePins(spec: ClusterSpec, serial: number, stamped: ReadonlyMap<string, string>, ekTrust: PinnedEkTrust | null = null): Pins {
  const slots = spec.topology.nodes.map(({ name, role, index }) => ({ name, role, index, ekName: stamped.get(name) ?? null }));
  return { kind: "kubedos/pins", version: 1, cluster: spec.metadata.name, serial, slots, ...(ekTrust === null ? {} : { ekTrust }) };
}
