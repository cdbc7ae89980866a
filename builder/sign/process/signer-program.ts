// The signer's process: started by startSigner and by nobody else. Requests on stdin, answers on stdout, the passphrase on descriptor 3.
// It ends when its stdin does, so it never outlives the build that started it.
import { createReadStream } from "node:fs";
import { errorChain } from "../../../proto/wire/error-chain.ts";
import { readFrames } from "./frame.ts";
import { serveRequests } from "./serve-requests.ts";

const PASSPHRASE_FD = 3;
const MAX_PASSPHRASE_BYTES = 4096;

async function readPassphrase(): Promise<string> {
  const chunks: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of createReadStream("", { fd: PASSPHRASE_FD })) {
    chunks.push(chunk as Uint8Array);
    held += (chunk as Uint8Array).length;
    if (held > MAX_PASSPHRASE_BYTES) throw new RangeError(`a passphrase has at most ${MAX_PASSPHRASE_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString("utf8");
}

// Whoever asked is gone: nobody waits for an answer.
process.stdout.on("error", () => process.exit(1));
try {
  await serveRequests({ frames: readFrames(process.stdin), answers: process.stdout, readPassphrase, now: () => new Date(), uid: process.getuid?.() ?? 0 });
} catch (error) {
  process.stderr.write(`${errorChain(error)}\n`);
  process.exitCode = 1;
}
