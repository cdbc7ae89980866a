import { readFileSync } from "node:fs";
import { errorCode } from "../../agent/error.ts";
import { grpcConnector } from "../../agent/host/grpc-connector.ts";
import { verifyIdentity } from "../../proto/pki/verify.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";

/** Dials each port that standard input names and prints what came of it: for runtimes other than the test's own. */
async function main(): Promise<void> {
  const q = JSON.parse(readFileSync(0, "utf8")) as { ports: number[]; rootCa: string; certificate: string; key: string };
  const outcomes: string[] = [];
  for (const port of q.ports) {
    const dial = {
      host: "127.0.0.1",
      port,
      serverName: "hub.demo",
      rootCa: q.rootCa,
      certificate: q.certificate,
      key: q.key,
      verifyHub: (chain: readonly Uint8Array[]) => verifyIdentity({ chain, root: q.rootCa, role: "hub", cluster: "demo", now: new Date() }).spki,
    };
    try {
      const stream = await grpcConnector.dial(dial, new AbortController().signal);
      stream.close();
      outcomes.push(`up ${Buffer.from(stream.hubKey).toString("base64")}`);
    } catch (error) {
      outcomes.push(`refused ${errorCode(error)}: ${errorChain(error)}`);
    }
  }
  process.stdout.write(JSON.stringify(outcomes));
}

void main();
