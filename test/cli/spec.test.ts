import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { runCli } from "../../builder/cli/run-cli.ts";
import { showSpec } from "../../builder/cli/show-spec.ts";
import { unusedKeys } from "../../builder/spec/unused-keys.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { specDocument } from "../../proto/spec/write-spec.ts";
import { golden } from "../golden.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-spec-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const at = (name: string) => join(dir, name);
const example = (name: string) => new URL(`../../examples/${name}.yaml`, import.meta.url).pathname;
const textOf = (name: string) => readFileSync(example(name), "utf8");

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
  const exit = await runCli(["spec", ...argv], io, (text) => void (err += text));
  return { exit, out, err: err.replaceAll(dir, "DIR") };
}

t.test("show: what people and programs read", async (t) => {
  const cases: readonly (readonly [file: string, argv: readonly string[]])[] = [
    ["show.txt", ["show", example("demo")]],
    ["show.json", ["show", example("demo"), "-o", "json"]],
    ["show.yaml", ["show", example("demo"), "-o", "yaml"]],
    ["show-node.txt", ["show", example("demo"), "--node", "worker-1"]],
    ["show-node.json", ["show", example("demo"), "--node", "worker-1", "-o", "json"]],
  ];
  for (const [file, argv] of cases) {
    const { exit, out, err } = await run(...argv);
    t.equal(exit, 0, err);
    t.equal(out, golden(`spec/${file}`, out), file);
  }
  t.match(await run("show", example("demo"), "--node", "worker-3"), { exit: 3, out: "", err: /no node "worker-3"\n {2}next: did you mean worker-1/ });
  t.match(await run("show", example("demo"), "-o", "xml"), { exit: 2 });
});

t.test("show: the sixteen nodes fit a terminal", async (t) => {
  const out = showSpec(parseClusterSpec(textOf("16-node"), "16-node.yaml"));
  t.equal(out, golden("spec/show-16-node.txt", out));
  for (const line of out.split("\n")) t.ok(line.length <= 100, line);
});

t.test("what show writes is the same spec", async (t) => {
  for (const name of ["demo", "16-node"]) {
    const spec = parseClusterSpec(textOf(name), name);
    t.same(parseClusterSpec(JSON.stringify(specDocument(spec)), "again.json"), spec, name);
  }
  writeFileSync(at("again.yaml"), (await run("show", example("demo"), "-o", "yaml")).out);
  t.equal((await run("show", at("again.yaml"), "-o", "yaml")).out, readFileSync(at("again.yaml"), "utf8"));
});

t.test("validate: every fault with its line, and a mark under it", async (t) => {
  writeFileSync(at("bad.yaml"), textOf("demo").replace("failureDomain: b", "failuredomian: b").replace("index: 2", "index: two").replace("approvals: 1", "approvals: 3"));
  const text = await run("validate", at("bad.yaml"));
  t.match(text, { exit: 2, out: "" });
  t.equal(text.err, golden("spec/validate-faults.txt", text.err));
  const json = await run("validate", at("bad.yaml"), "--json");
  t.equal(json.exit, 2);
  const out = `${JSON.stringify(JSON.parse(json.out.replaceAll(dir, "DIR")), null, 2)}\n`;
  t.equal(out, golden("spec/validate-faults.json", out));
});

t.test("validate: roles that exist nowhere, and nodes too small for theirs", async (t) => {
  writeFileSync(at("roles.yaml"), textOf("demo").replaceAll("role: worker", "role: wrker").replace("[master, worker]", "[master, wrker]").replace("memory: 512MiB", "memory: 16MiB"));
  t.match(await run("validate", at("roles.yaml")), { exit: 2, err: /roles\.yaml:8:19: there is no role "wrker" \(did you mean "worker"\?\)[\s\S]*:10:\d+: "master" has 16MiB of memory/ });
});

t.test("validate: a good spec, and what its author should know", async (t) => {
  writeFileSync(at("two.yaml"), textOf("demo").replace("approvals: 1", "approvals: 2"));
  t.match(await run("validate", at("two.yaml")), { exit: 0, out: "", err: /note: DIR\/two\.yaml:27:14: a second approval isn't asked for yet[\s\S]*good spec: cluster demo, 3 nodes/ });
  t.match(JSON.parse((await run("validate", at("two.yaml"), "--json")).out), { ok: true, spec: { trust: { approvals: 2, lease: "15m" } }, notes: [{ code: "NOT_YET", line: 27 }], unused: [] });
  writeFileSync(at("disk.yaml"), textOf("demo").replaceAll("cpus: 1", "cpus: 1, disk: 8GiB"));
  t.match(await run("validate", at("disk.yaml")), { exit: 0, err: /doesn't act on them \(docs\/spec\.md\): topology\.nodes\[\]\.vm\.disk\n/ });
  t.same(unusedKeys(parseClusterSpec(textOf("demo"), "demo.yaml")), []);
});

t.test("init: a spec to start from, never over another", async (t) => {
  const argv = ["init", at("lab.yaml"), "--name", "lab", "--nodes", "master,worker=3"];
  t.match(await run(...argv), { exit: 0, out: "", err: /lab\.yaml is written; next: kubedos-build spec show/ });
  const text = readFileSync(at("lab.yaml"), "utf8");
  t.equal(text, golden("spec/init.yaml", text));
  t.match(await run("validate", at("lab.yaml")), { exit: 0 });
  t.match(await run("init", at("lab.yaml"), "--name", "other"), { exit: 4, err: /is there already/ });
  t.equal(readFileSync(at("lab.yaml"), "utf8"), text, "and it is what it was");
  t.equal((await run("init", at("copy.yaml"), "--name", "copy", "--example", "demo")).exit, 0);
  t.equal(readFileSync(at("copy.yaml"), "utf8"), textOf("demo").replace("name: demo", "name: copy"), "an example keeps its comments");
});

t.test("init: what can't be made isn't", async (t) => {
  const cases: readonly (readonly [argv: readonly string[], err: RegExp])[] = [
    [["--name", "Lab"], /--name: "Lab" is no lower-case DNS label/],
    [["--name", "lab", "--nodes", "master,worker=0"], /--nodes: "worker=0" is no role with a number/],
    [["--name", "lab", "--nodes", "master,worker=1,worker=2"], /role "worker" is there twice/],
    [["--name", "lab", "--nodes", "master,worker=9000"], /more than 4096 nodes/],
    [["--name", "lab", "--nodes", "worker=2"], /no node has the role "master"/],
    [["--name", "lab", "--nodes", "master,wroker=2"], /there is no role "wroker"[\s\S]*did you mean "worker"/],
    [["--name", "lab", "--nodes", "master,worker=300"], /no host address in the LAN/],
    [["--name", "lab", "--lan", "10.0.0.0/33"], /--lan 10\.0\.0\.0\/33: must be an IPv4 network/],
    [["--name", "lab", "--lan", "10.78.0.0/24"], /overlaps/],
    [["--name", "lab", "--lan", "10.0.0.0/24", "--example", "demo"], /cannot be used with/],
    [[], /--name/],
  ];
  for (const [argv, err] of cases) t.match(await run("init", at("none.yaml"), ...argv), { exit: 2, err }, argv.join(" "));
  t.match(await run("show", at("none.yaml")), { exit: 3 }, "and no file is left");
});

t.test("schema", async (t) => {
  const { exit, out } = await run("schema");
  t.equal(exit, 0);
  t.equal(out, golden("spec/schema.json", out));
  t.match(parse(out), { $schema: "https://json-schema.org/draft/2020-12/schema", additionalProperties: false });
});
