import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { runCli } from "./run-cli.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-cli-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const at = (name: string) => join(dir, name);
const example = new URL("../../examples/demo.yaml", import.meta.url).pathname;
writeFileSync(at("pw"), "correct horse battery\n");
writeFileSync(at("wrong"), "correct horse battery!\n");
writeFileSync(at("bad.yaml"), readFileSync(example, "utf8").replace("failureDomain: b", "failuredomian: b"));

async function run(...argv: readonly string[]) {
  let [out, err] = ["", ""];
  const io = {
    out: (text: string) => void (out += text),
    report: (line: string) => void (err += `${line}\n`),
    signal: new AbortController().signal,
    env: {},
    now: () => new Date("2026-06-01T00:00:00Z"),
    askSecret: () => Promise.reject(new Error("no terminal here")),
  };
  const exit = await runCli(argv, io, (text) => void (err += text));
  return { exit, out, err };
}

t.test("keys, an operator, and what stands in the way of a second time", async (t) => {
  const init = ["keys", "init", "--dir", at("keys"), "--cluster", "demo", "--passphrase-file", at("pw"), "--json"];
  const made = await run(...init);
  t.equal(made.exit, 0, made.err);
  t.match(JSON.parse(made.out), { ok: true, keys: { cluster: "demo" } });
  t.match(await run(...init), { exit: 4, err: /holds keys already\n {2}next: / });
  const issue = (word: string, out: string) => run("operator", "issue", "alice", "--keys", at("keys"), "--out", at(out), "--passphrase-file", at(word));
  t.match(await issue("wrong", "alice"), { exit: 5, err: /passphrase/ });
  t.equal((await issue("pw", "alice")).exit, 0);
  t.match(await issue("pw", "alice"), { exit: 4 });
});

t.test("a key is rotated, and the log says so", async (t) => {
  const rotate = (...argv: readonly string[]) => run("keys", "rotate", ...argv, "--keys", at("keys"), "--passphrase-file", at("pw"));
  const done = await rotate("db", "--json");
  t.match(done, { exit: 0, err: /next: build a release/ });
  t.match(JSON.parse(done.out), { ok: true, rotated: "db", update: at("keys/db.auth"), retired: at("keys/retired/db-20260601T000000Z") });
  t.match(await rotate("root"), { exit: 8, err: /next: read docs\/keys\.md/ });
  t.match(await rotate("node"), { exit: 2, err: /Allowed choices/ });
  t.match(await rotate("root", "--accept-risk", "all"), { exit: 2 });
  t.match(await run("keys", "log", "--keys", at("keys")), { exit: 0, out: /^ {4}1  2026-06-01T00:00:00  rotate-db/, err: /1 entries, head [0-9a-f]{64}/ });
  t.match(JSON.parse((await run("keys", "log", "--keys", at("keys"), "--json")).out), { ok: true, entries: [{ seq: 1, purpose: "rotate-db", refused: null }] });
  const log = readFileSync(at("keys/signing.log"));
  writeFileSync(at("keys/signing.log"), "");
  t.match(await run("keys", "log", "--keys", at("keys")), { exit: 8, err: /has 0 entries, it had 1/ });
  writeFileSync(at("keys/signing.log"), log);
});

t.test("specs", async (t) => {
  t.match(await run("spec", "validate", example), { exit: 0, out: "", err: /good spec/ });
  t.match(await run("spec", "validate", at("bad.yaml")), { exit: 2, err: /bad\.yaml:12:\d+: unknown key "failuredomian".*did you mean "failureDomain"/ });
  t.match(await run("spec", "validate", at("none.yaml")), { exit: 3 });
  const json = await run("spec", "validate", at("bad.yaml"), "--json");
  t.match(JSON.parse(json.out), { ok: false, code: "UNKNOWN_KEY" });
});

t.test("usage", async (t) => {
  for (const argv of [[], ["bild"], ["build"], ["keys", "init"], ["build", example, "--keys", at("keys"), "--nonsense"]]) {
    t.equal((await run(...argv)).exit, 2, argv.join(" "));
  }
  t.match(await run("keys", "init", "--dir", at("k2"), "--cluster", "Not A Label", "--passphrase-file", at("pw")), { exit: 2, err: /DNS label/ });
  t.match(await run("keys", "init", "--dir", at("k2"), "--cluster", "demo", "--token", "prod", "--passphrase-file", at("pw")), { exit: 2, err: /--pkcs11 MODULE/ });
  t.match(await run("keys", "init", "--dir", at("k2"), "--cluster", "demo", "--pkcs11", "hsm.so", "--token", "prod", "--passphrase-file", at("pw")), { exit: 2, err: /module: must be an absolute path/ });
  t.match(await run("build", example, "--keys", at("nowhere"), "--passphrase-file", at("pw")), { exit: 3, err: /next: kubedos-build keys init/ });
  t.match(await run("build", example, "--keys", at("keys"), "--generation", "0", "--passphrase-file", at("pw")), { exit: 2 });
  t.match(await run("keys", "init", "--dir", at("k2"), "--cluster", "demo", "--passphrase-file", at("pw"), "--passphrase-fd", "3"), { exit: 2, err: /not both/ });
});

t.test("locks", async (t) => {
  const good = readFileSync(new URL("../lock/testing/example-lock.json", import.meta.url), "utf8");
  const build = (name: string, text: string) => {
    writeFileSync(at(name), text);
    return run("build", example, "--lock", at(name), "--keys", at("keys"), "--passphrase-file", at("pw"), "--out", at("out"), "--cache", at("cache"));
  };
  const next = (name: string) => new RegExp(`next: kubedos-build lock ${example} -o ${at(name)} --update\n$`);
  const stale = await build("stale.json", good);
  t.match(stale, { exit: 4, err: /the base tree wants package \S+, which the lock was not made for/ });
  t.match(stale.err, next("stale.json"), "the command that helps, with the names of these files");
  t.match(await build("bad.json", good.replace("kubedos/lock", "kubedos/look")), { exit: 8, err: /bad\.json is no lock/ });
  t.match(await run("build", example, "--lock", at("none.json"), "--keys", at("keys"), "--passphrase-file", at("pw")), { exit: 3 });
  t.match(await run("lock", example), { exit: 2 });
  writeFileSync(at("two.yaml"), readFileSync(example, "utf8").replace("approvals: 1", "approvals: 2"));
  t.match(await run("build", at("two.yaml"), "--lock", at("bad.json"), "--keys", at("keys"), "--passphrase-file", at("pw")), { exit: 8, err: /note: .*two\.yaml:27:14: a second approval isn't asked for yet/ }, "a build says what it doesn't do");
  t.match(await run("lock", at("bad.yaml"), "-o", at("new.json")), { exit: 2, err: /failuredomian/ });
  t.match(await run("lock", example, "-o", at("bad.json"), "--update"), { exit: 8, err: /is no lock/ }, "what is no lock is not overwritten");
});

t.test("every command explains itself", async (t) => {
  for (const command of [[], ["keys", "init"], ["keys", "rotate"], ["keys", "log"], ["operator", "issue"], ["spec", "validate"], ["lock"], ["build"], ["measure"]]) {
    const help = await run(...command, "--help");
    t.equal(help.exit, 0);
    t.match(help.out, command.length === 0 ? /Exit codes/ : /Examples?:\n {2}kubedos-build/, command.join(" "));
  }
});
