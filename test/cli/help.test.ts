import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import t from "tap";
import { ATTEST_CODES } from "../../hub/attest/codes.ts";
import { HUB_CODES } from "../../hub/codes.ts";
import { CLI_CODES } from "../../hub/cli/cli-codes.ts";
import { ALL_CODES } from "../../hub/cli/code-text.ts";
import { COMMANDS } from "../../hub/cli/commands.ts";
import { buildProgram } from "../../hub/cli/program.ts";
import { VERSION } from "../../hub/cli/version.ts";
import { run } from "./harness.ts";

/** Whether a line parses as one of our commands; its words are looked at, nothing runs. */
function parses(line: string): boolean {
  const words = line.match(/'[^']*'|\S+/g)?.map((w) => w.replace(/^'(.*)'$/, "$1")) ?? [];
  const argv = words.slice(0, words.findIndex((w) => w === ">" || w === "|") >>> 0);
  let found = false;
  try {
    buildProgram(COMMANDS, { out: () => undefined, err: () => undefined, width: 80 }, () => {
      found = true;
    }).parse(argv, { from: "user" });
  } catch (error) {
    return (error as { exitCode?: number }).exitCode === 0;
  }
  return found;
}

for (const command of COMMANDS) {
  const name = command.path.join(" ");
  t.test(`${name} --help`, async (t) => {
    const ran = await run([...command.path, "--help"]);
    t.equal(ran.code, 0);
    t.equal(ran.stderr, "");
    t.match(ran.stdout, new RegExp(`^Usage: kubedos-hub ${name}`));
    t.match(ran.stdout, /\nExamples:\n {2}kubedos-hub /, "it teaches by example");
    for (const [line, what] of command.examples) {
      t.ok(ran.stdout.includes(`  kubedos-hub ${line}\n      ${what}`));
      t.ok(parses(line), `example parses: ${line}`);
    }
    t.ok(command.summary.length < 90 && !command.summary.endsWith("."), "summary is a short phrase");
    const longest = Math.max(...ran.stdout.split("\n").map((l) => l.length));
    t.ok(longest <= 130, `no line is longer than 130 (${longest})`);
  });
}

t.test("no command twice, and the top level names all", async (t) => {
  const names = COMMANDS.map((c) => c.path.join(" "));
  t.equal(new Set(names).size, names.length);
  const { stdout, code } = await run(["--help"]);
  t.equal(code, 0);
  for (const c of COMMANDS) t.match(stdout, new RegExp(`\\n {2}${c.path[0]}\\b`));
  t.match(stdout, /8 refused by policy or attestation/);
});

t.test("usage errors are 2 and say so in the format that was asked for", async (t) => {
  const wrong = [
    [],
    ["window"],
    ["bogus"],
    ["nodes", "extra"],
    ["nodes", "--bogus"],
    ["node", "show"],
    ["node", "show", "../etc"],
    ["nodes", "-o", "xml"],
    ["nodes", "--state", "Pending!"],
    ["window", "open", "--for", "10"],
    ["window", "open", "--for", "25h"],
    ["window", "open", "--max", "0"],
    ["audit", "--limit", "-1"],
    ["deny", "w-1"],
    ["deny", "w-1", "--reason", "two\nlines"],
    ["deny", "w-1", "--reason", " "],
    ["revoke", "w-1"],
    ["completion", "tcsh"],
    ["inspect", "quote", "--quote", "x"],
    ["explain", "Mixed_Case"],
  ];
  for (const argv of wrong) {
    const ran = await run(argv);
    t.equal(ran.code, 2, `${argv.join(" ")}: ${ran.stderr}`);
    t.equal(ran.stdout, "");
    if (argv.includes("-o")) continue;
    const json = await run([...argv, "-o", "json"]);
    if (argv[0] !== "completion" && argv.length > 1) t.match(JSON.parse(json.stderr), { kind: "Error", code: "USAGE", exit: 2 }, argv.join(" "));
  }
});

t.test("every code is explained, in one table only, and leads to a command that exists", async (t) => {
  t.equal(new Set(ALL_CODES).size, ALL_CODES.length, "no code stands in two tables");
  for (const code of ALL_CODES) {
    const ran = await run(["explain", code]);
    t.equal(ran.code, 0);
    t.match(ran.stdout, new RegExp(`^${code}: .+\\nUsual cause: .+`, "s"));
  }
  for (const [code, { next }] of Object.entries({ ...HUB_CODES, ...CLI_CODES })) {
    if (next.startsWith("kubedos-hub ")) t.ok(parses(next.slice("kubedos-hub ".length)), `${code}: ${next}`);
  }
  const cited = Object.values({ ...ATTEST_CODES, ...HUB_CODES, ...CLI_CODES }).flatMap((c) => [...c.cause.matchAll(/`kubedos-hub ([a-z]+(?: [a-z]+)?)/g)].map((m) => m[1] ?? ""));
  for (const words of cited) t.ok(COMMANDS.some((c) => c.path.join(" ").startsWith(words) || words.startsWith(c.path.join(" "))), `cited: ${words}`);
  const unknown = await run(["explain", "PCR_MISMATCHED"]);
  t.equal(unknown.code, 3);
  t.match(unknown.stderr, /near it: .*PCR_MISMATCH/);
});

t.test("completion scripts are good in the shells that are here, and complete", async (t) => {
  const { stdout: script } = await run(["completion", "bash"]);
  const complete = (line: string): string[] => {
    const words = line.split(" ");
    const body = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kubedos_hub; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const ran = spawnSync("bash", ["-c", body, "bash", ...words], { encoding: "utf8" });
    t.equal(ran.stderr, "");
    return ran.stdout.trim().split("\n");
  };
  t.same(complete("kubedos-hub app"), ["approve"]);
  t.same(complete("kubedos-hub window o"), ["open"]);
  t.same(complete("kubedos-hub nodes -o js"), ["json", "jsonl"]);
  t.same(complete("kubedos-hub approve --ek"), ["--ek-name"]);
  for (const c of COMMANDS) t.ok(complete(`kubedos-hub ${c.path.join(" ")}`).includes(c.path.at(-1) ?? ""), c.path.join(" "));
  t.match((await run(["completion", "zsh"])).stdout, /^#compdef kubedos-hub\n/);
  t.match((await run(["completion", "fish"])).stdout, /-n '__fish_seen_subcommand_from window' -a open/);
});

t.test("the version is the package's", async (t) => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  t.equal(VERSION, version);
  t.equal((await run(["--version"])).stdout, `${version}\n`);
});
