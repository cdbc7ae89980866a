import { judge } from "../hub/attest/judge.ts";
import { ReplayMemory } from "../hub/attest/replay-memory.ts";
import { parseSignature, verifySignature } from "../proto/tpm/signature.ts";
import { sha256 } from "../proto/wire/bytes.ts";
import { eventLogOf } from "./event-log-case.ts";
import { type Figure, round } from "./figure.ts";
import { GOALS } from "./goals.ts";
import { measure } from "./measure.ts";
import { measureCheckquote } from "./tpm2-checkquote.ts";
import { type VerdictCase, verdictCase } from "./verdict-case.ts";

/** Kilobytes of a log; the goal for logs never seen was set for the first (DESIGN §6). */
const CLASSES = [34, 50] as const;
const KEYS = { rsa: "RSA-2048", ecc: "P-256" } as const;

/**
 * Full verifications on one core: logs never seen and seen before, beside what no verifier can do without, the bare
 * check of the signature and SHA-256 of the logs. Throws where the evidence doesn't pass: a fast refusal is no figure.
 */
export function benchVerdict(): readonly Figure[] {
  // Every path has run before the first figure, so that none depends on its place in the list.
  for (const kind of ["rsa", "ecc"] as const) warmUp(verdictCase(kind, eventLogOf(CLASSES[0] * 1024)));
  return CLASSES.flatMap((kb) => {
    const log = eventLogOf(kb * 1024);
    return (["rsa", "ecc"] as const).flatMap((kind) => figuresOf(`${KEYS[kind]}, ${kb} KB log`, verdictCase(kind, log), kb === CLASSES[0] ? GOALS.verdict.coldMs : null));
  });
}

function warmUp({ evidence, challenge, known }: VerdictCase): void {
  const cache = new ReplayMemory();
  measure(() => [judge(evidence, challenge, known), judge(evidence, challenge, known, cache)], 3000);
}

function figuresOf(name: string, c: VerdictCase, goal: number | null): readonly Figure[] {
  const { evidence, challenge, known, ak } = c;
  const cache = new ReplayMemory();
  const verdict = judge(evidence, challenge, known, cache);
  if (!verdict.ok) throw new Error(`the benchmark's evidence was refused: ${verdict.code}: ${verdict.message}`);
  const signature = parseSignature(evidence.signature);
  const bareMs = measure(() => verifySignature(ak, signature, evidence.quote));
  const hashMs = measure(() => [sha256(evidence.firmwareLog), sha256(evidence.userspaceLog)]);
  const coldMs = measure(() => judge(evidence, challenge, known));
  const seenMs = measure(() => judge(evidence, challenge, known, cache));
  const toolMs = measureCheckquote(c);
  if (toolMs === null) process.stderr.write("tpm2_checkquote isn't installed (package tpm2-tools), so nothing stands beside it\n");
  const least = bareMs + hashMs;
  const { seenTimes, keylimeMs } = GOALS.verdict;
  return [
    { name: `${name}: verification, log never seen`, unit: "ms", goal, figure: round(coldMs), reference: keylimeMs, referenceName: "Keylime, quote check alone", kind: "quoted" },
    { name: `${name}: verifications a second, log never seen`, unit: "1/s", goal: null, figure: round(1000 / coldMs), reference: round(1000 / least), referenceName: "bare check and SHA-256", kind: "measured" },
    { name: `${name}: verification, log seen before`, unit: "× of bare check and SHA-256", goal: seenTimes, figure: round(seenMs / least), reference: round(least), referenceName: "ms, bare check and SHA-256", kind: "measured" },
    { name: `${name}: verifications a second, log seen before`, unit: "1/s", goal: null, figure: round(1000 / seenMs), reference: round(1000 / bareMs), referenceName: "bare check", kind: "measured" },
    { name: `${name}: bare signature check`, unit: "ms", goal: null, figure: round(bareMs), reference: round(hashMs), referenceName: "ms, SHA-256 of both logs", kind: "measured" },
    ...(toolMs === null ? [] : [{ name: `${name}: verification, log never seen`, unit: "ms", goal: null, figure: round(coldMs), reference: round(toolMs), referenceName: "tpm2_checkquote, its process included, without a log", kind: "measured" } as const]),
  ];
}
