import { JudgePool } from "../../hub/judge-pool/judge-pool.ts";
import { challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "./evidence-case.ts";
import { softMachine } from "./soft-machine.ts";

// A program that judges by a pool of threads, to be compiled as the hub is. Prints what it got as one line of JSON.
async function main(): Promise<void> {
  const lines: string[] = [];
  const line = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => void lines.push(`${event}: ${String(fields["reason"])}`);
  const pool = new JudgePool({ log: { info: line, warn: line }, workers: 2 });
  const tls = newSpki();
  const known = knownOf(tls, [releaseOf(firmwareLog)]);
  const asked = Array.from({ length: 6 }, (_, i) => {
    const challenge = newChallenge();
    const evidence = softMachine()({ challenge, claims: claimsOf(tls), firmwareLog, userspaceLog: userspaceLogOf(WORDS) });
    const secret = i % 2 === 0 ? evidence.secret : evidence.quote;
    return pool.judge({ ...evidence, secret: secret.subarray(0, 32) }, challengeFor(challenge, evidence), known);
  });
  const verdicts = await Promise.all(asked);
  process.stdout.write(`${JSON.stringify({ codes: verdicts.map((v) => (v.ok ? v.facts.release.id : v.code)), lines })}\n`);
}

// The threads that nobody waits for don't hold the program.
void main();
