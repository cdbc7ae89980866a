import { once } from "node:events";
import { connect } from "node:net";
import type { Swtpm } from "./start-swtpm.ts";

/** CMD_INIT of swtpm's control channel (swtpm_ioctls(3)). */
const CMD_INIT = 2;

/** Turns the machine's power off and on, as far as its TPM sees it: PCRs and loaded keys are gone, Startup has to be sent. */
export async function resetSwtpm(swtpm: Swtpm): Promise<void> {
  const socket = connect(`${swtpm.socketPath}.ctrl`);
  const request = Buffer.alloc(8);
  request.writeUInt32BE(CMD_INIT);
  socket.write(request);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  if (answer.readUInt32BE() !== 0) throw new Error(`swtpm doesn't reset: ${answer.toString("hex")}`);
}
