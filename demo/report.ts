/** What `--json` prints, last on stdout; its shape is fixed. */
export interface DemoResult {
  ok: boolean;
  seconds: Record<string, number>;
  nodes: { name: string; role: string; state: string; planes: Record<string, boolean> }[];
  rejected: { reason: string; pcr: number; expected: string; found: string }[];
  unanchored: { id: string }[];
  /** What was proved, line by line; all of them hold where `ok`. */
  proofs: { what: string; held: boolean; detail: string }[];
}

/** Progress for people on stderr, one line a step with the time since the start; results on stdout. */
export class Reporter {
  readonly #started = performance.now();
  readonly result: DemoResult = { ok: false, seconds: {}, nodes: [], rejected: [], unanchored: [], proofs: [] };

  /** A line of progress. */
  say(text: string): void {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${text}\n`);
  }

  /** Something that had to be so: kept for the table, and an error where it is not. */
  prove(what: string, held: boolean, detail = ""): void {
    this.result.proofs.push({ what, held, detail });
    this.say(`${held ? "proved" : "FAILED"}: ${what}${detail === "" ? "" : ` (${detail})`}`);
    if (!held) throw new Error(`${what}: did not hold${detail === "" ? "" : `; ${detail}`}`);
  }

  /** Runs one phase, says when it takes long, and keeps its seconds. */
  async phase<T>(name: string, title: string, run: () => Promise<T>): Promise<T> {
    this.say(title);
    const at = performance.now();
    const ticker = setInterval(() => this.say(`… ${title.toLowerCase()} (${((performance.now() - at) / 1000).toFixed(0)} s)`), 15_000);
    try {
      return await run();
    } finally {
      clearInterval(ticker);
      this.result.seconds[name] = Math.round((performance.now() - at) / 100) / 10;
    }
  }

  /** Seconds since the start, to a tenth. */
  elapsed(): number {
    return Math.round((performance.now() - this.#started) / 100) / 10;
  }
}

/** The last table: what held, and how long each phase took. */
export function renderResult(result: DemoResult): string {
  const lines = ["", "What held", ...result.proofs.map((proof) => `  ${proof.held ? "✓" : "✗"} ${proof.what}`)];
  lines.push("", "Nodes", `  ${"NAME".padEnd(12)}${"ROLE".padEnd(10)}${"STATE".padEnd(14)}PLANES`);
  for (const node of result.nodes) {
    const planes = Object.entries(node.planes).map(([plane, up]) => (up ? plane : `(${plane})`)).join(" ");
    lines.push(`  ${node.name.padEnd(12)}${node.role.padEnd(10)}${node.state.padEnd(14)}${planes}`);
  }
  lines.push("", "Seconds");
  for (const [name, seconds] of Object.entries(result.seconds)) lines.push(`  ${name.padEnd(20)}${seconds.toFixed(1).padStart(8)}`);
  lines.push("", result.ok ? "All of it held." : "Something did not hold; see above.");
  return `${lines.join("\n")}\n`;
}
