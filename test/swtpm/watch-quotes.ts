import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { tpmSocket } from "../../builder/guest/tpm-socket.ts";

/** TPM 2.0 Part 2, table 12: TPM_CC_Quote. */
const CC_QUOTE = 0x158;
/** Tag, size and code of every command. */
const HEADER_BYTES = 10;

/** A socket before a TPM's own. */
export interface QuoteWatch {
  /** `performance.now()` at each answer to TPM2_Quote. */
  readonly quotes: readonly number[];
  close(): void;
}

/**
 * Takes TPM packets at the unix socket `at`, passes them to the one at `tpm` and back, and notes when a quote was given. Like the
 * kernel's device, and unlike swtpm's own socket, it serves several clients, a command at a time.
 */
export async function watchQuotes(at: string, tpm: string): Promise<QuoteWatch> {
  const quotes: number[] = [];
  const transport = tpmSocket(tpm);
  let last: Promise<void> = Promise.resolve();
  const pass = (client: Socket, command: Buffer): void => {
    last = last.then(async () => {
      const response = await transport.send(command);
      if (command.readUInt32BE(6) === CC_QUOTE) quotes.push(performance.now());
      client.write(response);
    });
    last = last.catch(() => void client.destroy());
  };
  const server = createServer((client) => {
    let held = Buffer.alloc(0);
    client.on("error", () => client.destroy());
    client.on("data", (part: Buffer) => {
      held = Buffer.concat([held, part]);
      while (held.length >= HEADER_BYTES && held.length >= held.readUInt32BE(2)) {
        const size = Math.max(HEADER_BYTES, held.readUInt32BE(2));
        pass(client, held.subarray(0, size));
        held = held.subarray(size);
      }
    });
  });
  server.listen(at);
  await once(server, "listening");
  return { quotes, close: () => void server.close() };
}
