import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { parseClusterSpec } from "../../../proto/spec/parse.ts";
import { openState, writePins } from "../../deploy/state-folder.ts";
import { openKeys } from "../../keys/open-keys.ts";
import { makeFileSigner } from "../../sign/signer.ts";
import { runCli } from "../run-cli.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-deploy-cli-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const at = (name: string) => join(dir, name);
const example = new URL("../../../examples/demo.yaml", import.meta.url).pathname;
const text = readFileSync(example, "utf8");
writeFileSync(at("pw"), "correct horse battery\n");
writeFileSync(at("other.yaml"), text.replace("name: demo", "name: other"));
writeFileSync(at("bare.yaml"), text.replace(/^targets:[^]*?^\n/m, ""));

async function run(...argv: readonly string[]) {
  let [out, err] = ["", ""];
  const io = {
    out: (line: string) => void (out += line),
    report: (line: string) => void (err += `${line}\n`),
    signal: new AbortController().signal,
    env: {},
    now: () => new Date(),
    askSecret: () => Promise.reject(new Error("no terminal here")),
  };
  const exit = await runCli(argv, io, (line) => void (err += line));
  return { exit, out, err };
}

for (const cluster of ["demo", "other"]) {
  await run("keys", "init", "--dir", at(`keys-${cluster}`), "--cluster", cluster, "--passphrase-file", at("pw"));
  await run("operator", "issue", "alice", "--keys", at(`keys-${cluster}`), "--out", at(`alice-${cluster}`), "--passphrase-file", at("pw"));
}
mkdirSync(at("release"));

/** A deployment that lacks nothing but a release, with some of its options changed. */
function deploy(changes: Readonly<Record<string, string>> = {}, ...more: readonly string[]) {
  const { spec = example, ...rest } = changes;
  const options = { release: at("release"), keys: at("keys-demo"), operator: at("alice-demo"), state: at("state"), "passphrase-file": at("pw"), ...rest };
  return run("deploy", "qemu", spec, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]), ...more);
}

t.test("what can't be deployed is refused before anything is made", async (t) => {
  mkdirSync(at("mixed"));
  await run("operator", "issue", "bob", "--keys", at("keys-demo"), "--out", at("bob"), "--passphrase-file", at("pw"));
  writeFileSync(at("mixed/operator.key"), readFileSync(at("bob/operator.key")));
  writeFileSync(at("mixed/operator.crt"), readFileSync(at("alice-demo/operator.crt")));
  const cases: [string, Promise<{ exit: number; err: string }>, number, RegExp][] = [
    ["a node that isn't there", deploy({}, "--only", "worker-1", "worker-9"), 2, /no node "worker-9"/],
    ["another cluster's spec", deploy({ spec: at("other.yaml") }), 2, /cluster "other", the keys are for "demo"/],
    ["a spec without the target", deploy({ spec: at("bare.yaml") }), 2, /targets\.qemu/],
    ["no spec", deploy({ spec: at("none.yaml") }), 3, /none\.yaml/],
    ["no keys", deploy({ keys: at("nowhere") }), 3, /holds no keys/],
    ["a wrong passphrase", deploy({ "passphrase-file": example }), 5, /./],
    ["no operator", deploy({ operator: at("nobody") }), 3, /operator\./],
    ["another cluster's operator", deploy({ operator: at("alice-other") }), 8, /no operator of cluster "demo"/],
    ["half of two operators", deploy({ operator: at("mixed") }), 8, /not the one of its certificate/],
    ["a folder of something else", deploy({ state: dir }), 4, /files of something else/],
  ];
  for (const [name, result, exit, err] of cases) t.match(await result, { exit, err }, name);
  t.notOk(existsSync(at("state")), "no folder was made");
});

t.test("a missing release is said, and the folder can be used again", async (t) => {
  t.match(await deploy({}, "--json"), { exit: 3, err: /release\.json/, out: /"code":"ENOENT"/ });
  t.match(await deploy(), { exit: 3 });
  t.match(await deploy({ spec: at("other.yaml"), keys: at("keys-other"), operator: at("alice-other") }), { exit: 4, err: /cluster "demo", not of "other"/ });
});

t.test("pins show prints verified pins only", async (t) => {
  const keys = await openKeys(at("keys-demo"), "correct horse battery");
  const ekName = `000b${"ab".repeat(32)}`;
  await writePins(at("state"), parseClusterSpec(text, example), keys, makeFileSigner(keys), new Map([["worker-1", ekName]]));
  const show = (file: string, ...more: readonly string[]) => run("pins", "show", file, "--keys", at("keys-demo"), ...more);
  const { exit, out } = await show(at("state/pins.json"));
  t.equal(exit, 0);
  t.match(out, new RegExp(`^worker-1 +worker +${ekName}$`, "m"));
  t.match(out, /^master +master +not stamped$/m);
  t.match(JSON.parse((await show(at("state/pins.json"), "--json")).out), { cluster: "demo", serial: 1 });
  t.match(await run("pins", "show", at("state/pins.json"), "--keys", at("keys-other")), { exit: 8, out: "" }, "signed by somebody else");
  t.match(await show(at("state/state.json")), { exit: 8, out: "" });
  t.match(await show(at("nothing.json")), { exit: 3, out: "" });
});

t.test("destroy", async (t) => {
  const destroy = (state: string) => run("destroy", "qemu", "--state", at(state));
  t.match(await destroy("release"), { exit: 3, err: /no folder of a deployment/ });
  const release = await openState(at("state"), await openKeys(at("keys-demo"), "correct horse battery"));
  t.match(await destroy("state"), { exit: 4, err: new RegExp(`process ${process.pid} runs`) });
  t.match(await deploy(), { exit: 4, err: /end it first/ }, "nor can it be deployed twice at once");
  await release();
  t.match(await destroy("state"), { exit: 0, err: /are gone/ });
  t.notOk(existsSync(at("state")));
});

t.test("help says what becomes of the guests", async (t) => {
  t.match(await run("deploy", "qemu", "--help"), { exit: 0, out: /Ctrl-C ends all cleanly[^]*Example:\n {2}kubedos-build/ });
  t.match(await run("destroy", "qemu", "--help"), { exit: 0, out: /Example:\n {2}kubedos-build/ });
  t.match(await run("pins", "show", "--help"), { exit: 0, out: /Example:\n {2}kubedos-build/ });
});
