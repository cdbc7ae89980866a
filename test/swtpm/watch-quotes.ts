import { once } from "node:events";
import { connect, createServer } from "node:net";

/** TPM 2.0 Part 2, table 12: TPM_CC_Quote. */
const CC_QUOTE = 0x158;

/** A socket before a TPM's own. */
export interface QuoteWatch {
  /** `performance.now()` at each answer to TPM2_Quote. */
  readonly quotes: readonly number[];
  close(): void;
}

/** Takes TPM packets at the unix socket `at`, passes them to the one at `tpm` and back, and notes when a quote was given. */
export async function watchQuotes(at: string, tpm: string): Promise<QuoteWatch> {
  const quotes: number[] = [];
  const server = createServer((client) => {
    const behind = connect(tpm);
    let code = 0;
    // A client sends one command at a time, and each in one piece.
    client.on("data", (command: Buffer) => (code = command.length < 10 ? 0 : command.readUInt32BE(6)));
    behind.on("data", () => code === CC_QUOTE && quotes.push(performance.now()));
    client.pipe(behind).pipe(client);
    client.on("error", () => behind.destroy()).on("close", () => behind.destroy());
    behind.on("error", () => client.destroy()).on("close", () => client.destroy());
  });
  server.listen(at);
  await once(server, "listening");
  return { quotes, close: () => void server.close() };
}
