import { once } from "node:events";
import { connect } from "node:net";
import type { Swtpm } from "./start-swtpm.ts";

/** Commands of swtpm's control channel (swtpm_ioctls(3)). */
const CMD = { INIT: 2, SET_LOCALITY: 5, HASH_START: 6, HASH_DATA: 7, HASH_END: 8 } as const;

/** Turns the machine's power off and on, as far as its TPM sees it: PCRs and loaded keys are gone, Startup has to be sent. */
export async function resetSwtpm(swtpm: Swtpm): Promise<void> {
  const flags = Buffer.alloc(4);
  await control(swtpm, CMD.INIT, flags);
}

/** The locality that the next commands come from; it stays until it is set again. */
export async function setLocality(swtpm: Swtpm, locality: number): Promise<void> {
  await control(swtpm, CMD.SET_LOCALITY, Buffer.of(locality));
}

/** What a processor does with the first code before it runs it (H-CRTM): between reset and Startup, hashed into PCR 0 at locality 4. */
export async function measureHcrtm(swtpm: Swtpm, data: Uint8Array): Promise<void> {
  await control(swtpm, CMD.HASH_START);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  await control(swtpm, CMD.HASH_DATA, Buffer.concat([size, data]));
  await control(swtpm, CMD.HASH_END);
}

async function control(swtpm: Swtpm, command: number, body: Buffer = Buffer.alloc(0)): Promise<void> {
  const socket = connect(`${swtpm.socketPath}.ctrl`);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(command);
  socket.write(Buffer.concat([head, body]));
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  if (answer.readUInt32BE() !== 0) throw new Error(`swtpm refuses control command ${command}: ${answer.toString("hex")}`);
}
