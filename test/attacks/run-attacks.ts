// The attack matrix in real guests: `npm run attacks [-- OPTIONS]`. Lines for people on stderr, the table on stdout; the last line on stdout is JSON.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { Reporter } from "../../demo/report.ts";
import { DEMO_HOME } from "../../demo/run-demo.ts";
import type { Attack } from "./attack.ts";
import { AttackCluster } from "./attack-cluster.ts";
import { attacksSpec, HONEST } from "./attacks-spec.ts";
import { type AttackRow, renderRows } from "./attack-row.ts";
import { runRow } from "./run-row.ts";
import { GuestSlots } from "./slots.ts";
import { ATTACKS } from "./table.ts";

const HELP = `npm run attacks [-- OPTIONS]

  (nothing)      every row: boots each attacker beside an attested master and an honest worker
  --only NAME    this row alone; may be given more than once
  --ci           the rows that CI runs
  --list         print the rows, and end
  --json         only the last line on stdout, JSON: ok, and for each row image, serial log's digest, code, end, proofs, seconds
  --record       write the explanations to test/golden/attacks as they are now
`;

/** Guests that run beside the master and the honest worker, who idles. */
const GUESTS_AT_ONCE = 2;

const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!abort.signal.aborted) process.stderr.write("\nkubedos: ending what was started\n");
    abort.abort();
  });
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    ci: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const unknown = values.only.find((name) => !ATTACKS.some((attack) => attack.name === name));
const chosen = ATTACKS.filter((attack) => (values.only.length === 0 ? !values.ci || attack.ci : values.only.includes(attack.name)));

if (values.help) process.stdout.write(HELP);
else if (unknown !== undefined) {
  process.stderr.write(`there is no attack "${unknown}"; npm run attacks -- --list prints all\n`);
  process.exitCode = 2;
} else if (values.list) {
  process.stdout.write(ATTACKS.map(({ name, title, ci }) => `${name.padEnd(30)} ${ci ? "ci" : "  "}  ${title}\n`).join(""));
} else process.exitCode = await runAttacks(chosen);

/** Runs rows to the exit code: 0 only if all held. Whatever happens, no guest is left. */
async function runAttacks(attacks: readonly Attack[]): Promise<number> {
  const report = new Reporter();
  const state = mkdtempSync(join(tmpdir(), "kubedos-attacks-"));
  const failures = join(DEMO_HOME, "attacks-last-failure");
  rmSync(failures, { recursive: true, force: true });
  mkdirSync(DEMO_HOME, { recursive: true, mode: 0o700 });
  const specFile = join(state, "spec.yaml");
  writeFileSync(specFile, attacksSpec([...new Set(attacks.flatMap((attack) => attack.slots ?? [attack.name]))]));
  const pinnedRoles = new Map(attacks.flatMap(({ name, slots, pinnedRole }) => (pinnedRole === undefined ? [] : (slots ?? [name]).map((slot) => [slot, pinnedRole] as const))));
  const cluster = new AttackCluster({ report, signal: abort.signal, home: DEMO_HOME, state, specFile, pinnedRoles });
  const rows: AttackRow[] = [];
  let failed = "";
  try {
    await cluster.begin();
    const slots = new GuestSlots(GUESTS_AT_ONCE);
    // Who is no guest costs little: one after the other, beside the guests.
    const doors = new GuestSlots(1);
    const inTurn = (guests: number, run: () => Promise<void>): Promise<void> => (guests === 0 ? doors.use(1, run) : slots.use(guests, run));
    // All of them, so that none still makes files in a folder that is being removed.
    const ran = await Promise.allSettled(
      attacks.map((attack) =>
        inTurn(attack.guests ?? 1, async () => {
          if (abort.signal.aborted) return;
          rows.push(await runRow(cluster, attack, { report, record: values.record, failures }));
          report.say(`${rows.length} of ${attacks.length} done`);
        }),
      ),
    );
    const broken = ran.find((result) => result.status === "rejected");
    if (broken !== undefined) throw broken.reason;
  } catch (error) {
    failed = errorChain(error);
  }
  if (abort.signal.aborted) failed = "stopped";
  const ok = failed === "" && rows.length === attacks.length && rows.every((row) => row.held);
  try {
    if (!ok && !abort.signal.aborted) report.say(`consoles of the guests: ${await cluster.saveLogs(failures, ["master", HONEST])}`);
  } finally {
    await cluster.stop();
    rmSync(state, { recursive: true, force: true });
  }
  rows.sort((a, b) => attacks.findIndex((x) => x.name === a.name) - attacks.findIndex((x) => x.name === b.name));
  if (!values.json) process.stdout.write(renderRows(rows));
  if (failed !== "") report.say(`the attacks did not come to their end: ${failed}`);
  process.stdout.write(`${JSON.stringify({ ok, seconds: { ...report.result.seconds, total: report.elapsed() }, rows })}\n`);
  return ok ? 0 : abort.signal.aborted ? 130 : 1;
}
