import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorChain } from "../../proto/wire/error-chain.ts";
import type { Reporter } from "../../demo/report.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { Attack, AttackOutcome, AttackProof } from "./attack.ts";
import type { AttackCluster } from "./attack-cluster.ts";
import type { AttackRow } from "./attack-row.ts";

const goldenDir = fileURLToPath(new URL("../golden/attacks", import.meta.url));

/** How one row is run. */
export interface RowOptions {
  readonly report: Reporter;
  /** Writes the golden file instead of comparing with it. */
  readonly record: boolean;
  /** Where serial logs go when a row fails. */
  readonly failures: string;
}

/** Runs one row to its result; never throws but when the run is stopped. Its guests are gone afterwards. */
export async function runRow(cluster: AttackCluster, attack: Attack, options: RowOptions): Promise<AttackRow> {
  const { report } = options;
  const at = performance.now();
  const seconds = (): number => Math.round((performance.now() - at) / 100) / 10;
  const say = (text: string): void => report.say(`${attack.name}: ${text}`);
  say(attack.title);
  const ticker = setInterval(() => say(`… ${seconds().toFixed(0)} s`), 30_000);
  const { world, endGuests } = await cluster.world(attack.name, say);
  try {
    const outcome = await attack.run(world);
    const proofs = [...outcome.proofs, await compareGolden(attack.name, outcome, options.record)];
    const held = proofs.every((proof) => proof.held);
    say(`${held ? "held" : "DID NOT HOLD"}: ${outcome.end}, ${outcome.code}, ${seconds()} s`);
    for (const proof of proofs) if (!proof.held) say(`  FAILED: ${proof.what} (${proof.detail})`);
    if (!held) say(`consoles: ${await cluster.saveLogs(options.failures, attack.slots ?? [attack.name])}`);
    return { name: attack.name, image: outcome.image, serialSha256: digestOf(outcome.serial), code: outcome.code, end: outcome.end, proofs, seconds: seconds(), held };
  } catch (error) {
    world.signal.throwIfAborted();
    say(`FAILED: ${errorChain(error)}`);
    say(`consoles: ${await cluster.saveLogs(options.failures, attack.slots ?? [attack.name])}`);
    const proofs = [{ what: "the row came to its end", held: false, detail: errorChain(error) }];
    return { name: attack.name, image: null, serialSha256: null, code: "-", end: "failed", proofs, seconds: seconds(), held: false };
  } finally {
    clearInterval(ticker);
    await endGuests();
  }
}

function digestOf(serial: string | null): string | null {
  return serial === null ? null : toHex(sha256(new Uint8Array(Buffer.from(serial, "latin1"))));
}

async function compareGolden(name: string, outcome: AttackOutcome, record: boolean): Promise<AttackProof> {
  const what = "end, code and explanation are the golden ones";
  const file = join(goldenDir, `${name}.txt`);
  const found = `${outcome.end} ${outcome.code}\n\n${outcome.explanation}`;
  if (record) {
    await mkdir(goldenDir, { recursive: true });
    await writeFile(file, found);
  }
  if (!existsSync(file)) return { what, held: false, detail: `there is no test/golden/attacks/${name}.txt; --record writes it` };
  const wanted = await readFile(file, "utf8");
  return { what, held: wanted === found, detail: wanted === found ? `test/golden/attacks/${name}.txt` : firstDifference(wanted, found) };
}

function firstDifference(wanted: string, got: string): string {
  const [a, b] = [wanted.split("\n"), got.split("\n")];
  const at = a.findIndex((line, i) => line !== b[i]);
  const line = at < 0 ? a.length : at;
  return `line ${line + 1}: expected ${JSON.stringify(a[line] ?? null)}, found ${JSON.stringify(b[line] ?? null)}`;
}
