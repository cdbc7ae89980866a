import type { AttackOutcome, AttackProof } from "./attack.ts";

/** One row's result, as `--json` prints it; its shape is fixed. */
export interface AttackRow {
  readonly name: string;
  /** SHA-256 of what was booted; null for an attacker that is no guest. */
  readonly image: string | null;
  /** SHA-256 of the guest's serial log; null where there was none. */
  readonly serialSha256: string | null;
  readonly code: string;
  /** `failed`: the row didn't come to its end. */
  readonly end: AttackOutcome["end"] | "failed";
  readonly proofs: readonly AttackProof[];
  readonly seconds: number;
  /** Every proof held, and the explanation is the golden one. */
  readonly held: boolean;
}

/** The table at the end. */
export function renderRows(rows: readonly AttackRow[]): string {
  const width = Math.max(...rows.map((row) => row.name.length), "ATTACK".length) + 2;
  const lines = ["", `  ${"ATTACK".padEnd(width)}${"END".padEnd(11)}${"CODE".padEnd(28)}${"SECONDS".padStart(8)}  HELD`];
  for (const { name, end, code, seconds, held, proofs } of rows) {
    const good = proofs.filter((proof) => proof.held).length;
    lines.push(`  ${name.padEnd(width)}${end.padEnd(11)}${code.padEnd(28)}${seconds.toFixed(1).padStart(8)}  ${held ? "✓" : "✗"} ${good}/${proofs.length}`);
    for (const { what, held: it, detail } of proofs) if (!it) lines.push(`      ✗ ${what}: ${detail}`);
  }
  return `${lines.join("\n")}\n\n`;
}
