import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import t from "tap";
import { runCli } from "../cli/run-cli.ts";
import { CONSOLE_CODES } from "./console-codes.ts";
import { consoleLines, diagnoseConsole } from "./diagnose-console.ts";
import { readConsole } from "./read-console.ts";

/** Excerpts of our own guests' serial logs, one for each code: CODE in lower case with hyphens. */
const dir = new URL("../../test/fixtures/consoles", import.meta.url).pathname;
const fixture = (code: string) => readFileSync(join(dir, `${code.toLowerCase().replaceAll("_", "-")}.log`), "latin1");
const codes = Object.keys(CONSOLE_CODES) as (keyof typeof CONSOLE_CODES)[];

for (const code of codes) {
  t.test(`${code}: a console of ours that shows it`, async (t) => {
    const log = fixture(code);
    const { code: found, line } = diagnoseConsole(log);
    t.equal(found, code);
    if (code !== "CONSOLE_EMPTY" && code !== "FIRMWARE_SILENT") t.ok(line.length > 0 && log.includes(line.slice(0, 20)), "rests on a line of it");
  });
}

t.test("every fixture is a code's, and every code is in the docs", async (t) => {
  const files = globSync("*.log", { cwd: dir }).map((file) => basename(file, ".log").replaceAll("-", "_").toUpperCase());
  t.same(files.sort(), [...codes].sort());
  const docs = readFileSync(new URL("../../docs/attacks.md", import.meta.url), "utf8");
  for (const code of codes) t.ok(docs.includes(`\`${code}\``), `docs/attacks.md explains ${code}`);
});

t.test("only the last boot counts", async (t) => {
  const [refused, spoke] = [fixture("FIRMWARE_REFUSED_IMAGE"), fixture("AGENT_SPOKE")];
  t.equal(diagnoseConsole(refused + spoke).code, "AGENT_SPOKE");
  t.equal(diagnoseConsole(spoke + refused).code, "FIRMWARE_REFUSED_IMAGE");
});

t.test("an echo of what was typed is no part of the line", async (t) => {
  const log = fixture("VERITY_CORRUPT").replace("device-mapper:", "id; unam[    1.000000] device-mapper:");
  t.equal(diagnoseConsole(log).line, diagnoseConsole(fixture("VERITY_CORRUPT")).line);
});

t.test("what the guest writes can't reach the terminal", async (t) => {
  const evil = `${fixture("KERNEL_SILENT")}\u001b[31mkubedos-init: \u001b]0;title\u0007the command line is not the sealed one\u009b2J\u0000\u202e${"x".repeat(5000)}\n`;
  const { code, line } = diagnoseConsole(evil);
  t.equal(code, "INIT_COMMAND_LINE");
  t.match(line, /^[\x20-\x7e]{1,240}$/);
  for (const text of consoleLines(Buffer.from(Array.from({ length: 4096 }, (_, i) => i * 7)).toString("latin1"))) t.match(text, /^[\x20-\x7e]{1,240}$/);
});

t.test("of a large log the end is read", async (t) => {
  const temp = mkdtempSync(join(tmpdir(), "kubedos-console-"));
  t.teardown(() => rmSync(temp, { recursive: true }));
  const file = join(temp, "serial.log");
  writeFileSync(file, `${"noise\n".repeat(1_000_000)}${fixture("VERITY_CORRUPT")}`, "latin1");
  const log = await readConsole(file);
  t.ok(log.length <= 4 * 1024 * 1024);
  t.equal(diagnoseConsole(log).code, "VERITY_CORRUPT");
});

t.test("the command", async (t) => {
  const run = async (...argv: readonly string[]) => {
    let [out, err] = ["", ""];
    const io = { out: (text: string) => void (out += text), report: () => undefined, signal: new AbortController().signal, env: {}, now: () => new Date(0), askSecret: () => Promise.reject(new Error("no terminal")) };
    const exit = await runCli(["debug", ...argv], io, (text) => void (err += text));
    return { exit, out, err };
  };
  const file = join(dir, "init-no-root.log");
  const json = await run("--console", file, "-o", "json");
  t.equal(json.exit, 0);
  t.match(JSON.parse(json.out), { code: "INIT_NO_ROOT", text: String, cause: String, next: String, line: /^kubedos-init: no disk holds/ });
  t.match((await run("--console", file)).out, /^INIT_NO_ROOT: .*\n {2}line .*\n {2}Usual cause: .*\n {2}Next: /);
  t.match(await run("--help"), { exit: 0, out: /Examples:\n {2}kubedos-build debug/ });

  const state = mkdtempSync(join(tmpdir(), "kubedos-state-"));
  t.teardown(() => rmSync(state, { recursive: true }));
  t.match(await run("qemu/w-1", "--dir", state), { exit: 3 }, "no such guest");
  const guest = join(state, "w-1");
  mkdirSync(guest);
  writeFileSync(join(guest, "serial.log"), fixture("INIT_NO_TPM"), "latin1");
  t.match(await run("qemu/w-1", "--dir", state), { exit: 0, out: /^INIT_NO_TPM/ });
  t.match(await run("qemu/w-1", "status", "--dir", state, "-o", "json"), { exit: 0, out: /"INIT_NO_TPM"/ });
  t.match(await run("qemu/w-1", "log", "--dir", state), { exit: 0, out: /^kubedos-init: no TPM 2\.0/m });

  for (const argv of [[], ["w-1", "--dir", state], ["qemu/../w-1", "--dir", state], ["qemu/w-1"], ["qemu/w-1", "--console", file], ["qemu/w-1", "shell", "--dir", state], ["--console", file, "-o", "xml"]]) {
    t.equal((await run(...argv)).exit, 2, argv.join(" "));
  }
});
