import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startSwtpm } from "../../../builder/guest/swtpm.ts";
import { tpmSocket } from "../../../builder/guest/tpm-socket.ts";
import { guestPaths } from "../../../builder/guest/start-guest.ts";
import { TpmClient } from "../../../proto/tpm/client.ts";
import { ByteReader } from "../../../proto/wire/reader.ts";
import { ByteWriter } from "../../../proto/wire/writer.ts";
import type { AttackWorld } from "../world.ts";

/** TPM 2.0 Part 3, 22.5: TPM2_PCR_Allocate under TPM_RH_PLATFORM, with an empty password. */
const PCR_ALLOCATE = 0x12b;
const RH_PLATFORM = 0x4000_000c;
const BANKS: readonly (readonly [number, boolean])[] = [[0x0004, true], [0x000b, false], [0x000c, false], [0x000d, false]];

/** Switches every bank but SHA-1 off in a slot's vTPM, before its guest starts. What the EK is doesn't change. */
export async function leaveSha1Alone(world: AttackWorld, slot: string): Promise<void> {
  const { demo } = world;
  const { tpmState, log } = guestPaths(join(demo.state, slot));
  await mkdir(join(demo.state, slot), { recursive: true });
  const swtpm = await startSwtpm(demo.built.tc, { stateDir: tpmState, mode: "direct", socket: join(demo.state, slot, "alloc.sock"), logFile: log, signal: world.signal });
  try {
    const transport = tpmSocket(swtpm.socket);
    await new TpmClient(transport).startup();
    const body = new ByteWriter().u32be(RH_PLATFORM).u32be(9).u32be(0x4000_0009).u16be(0).u8(0).u16be(0).u32be(BANKS.length);
    for (const [alg, on] of BANKS) body.u16be(alg).u8(3).bytes(new Uint8Array(3).fill(on ? 0xff : 0));
    const parameters = body.done();
    const command = new ByteWriter().u16be(0x8002).u32be(10 + parameters.length).u32be(PCR_ALLOCATE).bytes(parameters).done();
    const response = new ByteReader(await transport.send(command));
    response.u16be();
    response.u32be();
    const code = response.u32be();
    if (code !== 0) throw new Error(`the TPM refused to switch its banks off: 0x${code.toString(16)}`);
  } finally {
    await swtpm.stop();
  }
}
