import { judge } from "../hub/attest/judge.ts";
import { ReplayMemory } from "../hub/attest/replay-memory.ts";
import { parseSignature, verifySignature } from "../proto/tpm/signature.ts";
import { ALG, type HashAlg } from "../proto/tpm/alg.ts";
import { sha256 } from "../proto/wire/bytes.ts";
import { eventLogOf } from "./event-log-case.ts";
import { type Figure, round } from "./figure.ts";
import { GOALS } from "./goals.ts";
import { measure } from "./measure.ts";
import { measureCheckquote } from "./tpm2-checkquote.ts";
import { type VerdictCase, verdictCase } from "./verdict-case.ts";

/** Kilobytes of a log; the goal for logs never seen was set for the first (DESIGN §6). */
const CLASSES = [34, 50] as const;
/** What stands beside a TPM that has SHA-256 alone, for which the goals are: each bank more is replayed, too. */
const MORE_BANKS: readonly (readonly [string, readonly HashAlg[]])[] = [
  ["SHA-384 too", [ALG.SHA256, ALG.SHA384]],
  ["four banks", [ALG.SHA1, ALG.SHA256, ALG.SHA384, ALG.SHA512]],
];
const KEYS = { rsa: "RSA-2048", ecc: "P-256" } as const;

/**
 * Full verifications on one core: logs never seen and seen before, beside what no verifier can do without, the bare
 * check of the signature and SHA-256 of the logs. Throws where the evidence doesn't pass: a fast refusal is no figure.
 */
export function benchVerdict(): readonly Figure[] {
  // Every path has run before the first figure, so that none depends on its place in the list.
  for (const kind of ["rsa", "ecc"] as const) warmUp(verdictCase(kind, eventLogOf(CLASSES[0] * 1024)));
  const [first] = CLASSES;
  const more = MORE_BANKS.map(([name, banks]) => moreBanks(name, verdictCase("ecc", eventLogOf(first * 1024, banks))));
  const plain = CLASSES.flatMap((kb) => {
    const log = eventLogOf(kb * 1024);
    return (["rsa", "ecc"] as const).flatMap((kind) => figuresOf(`${KEYS[kind]}, ${kb} KB log`, verdictCase(kind, log), kb === CLASSES[0] ? GOALS.verdict.coldMs : null));
  });
  return [...plain, ...more];
}

function moreBanks(name: string, { evidence, challenge, known }: VerdictCase): Figure {
  const cache = new ReplayMemory();
  const verdict = judge(evidence, challenge, known, cache);
  if (!verdict.ok) throw new Error(`the benchmark's evidence was refused: ${verdict.code}: ${verdict.message}`);
  const coldMs = measure(() => judge(evidence, challenge, known));
  const seenMs = measure(() => judge(evidence, challenge, known, cache));
  const what = `P-256, ${CLASSES[0]} KB log, ${name}: verification, log never seen`;
  return { name: what, unit: "ms", goal: null, figure: round(coldMs), reference: round(seenMs), referenceName: "ms, log seen before", kind: "measured" };
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
