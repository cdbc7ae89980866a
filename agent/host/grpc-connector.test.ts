import { spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { rootPem, spkiOf } from "../../test/fakes/agent-case.ts";
import { startNodeHub } from "../../test/fakes/node-hub.ts";
import { chainPem, keyPem, makeIdentity, makePki, type TestIdentity } from "../../test/fakes/pki.ts";
import { issueLeaf } from "../../proto/pki/issue.ts";
import { issueSelfSigned } from "../../proto/pki/self-signed.ts";

const pki = await makePki("demo");
const foreign = await makePki("demo");
const other = await makePki("other");
const hub = await makeIdentity(pki, "hub", "master-1");

const validity = { notBefore: new Date("2020-01-01"), notAfter: new Date("2049-01-01"), serial: randomBytes(16) };
const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** A leaf that its issuer must not issue. */
async function misissued(issuer: "node" | "operator"): Promise<TestIdentity> {
  const key = newKey();
  const leaf = await issueLeaf({ ...validity, cluster: "demo", role: "hub", name: "master-1", subjectKey: key, issuer: pki.issuers[issuer] });
  return { key, chain: [leaf, pki.issuers[issuer].certificate] };
}

function selfSigned(): TestIdentity {
  const key = newKey();
  return { key, chain: [issueSelfSigned({ ...validity, key, subjectKey: key })] };
}

const servers: [string, TestIdentity, boolean][] = [
  ["our hub", hub, true],
  ["a hub of a foreign root with the same names", await makeIdentity(foreign, "hub", "master-1"), false],
  ["another cluster's hub", await makeIdentity(other, "hub", "master-1"), false],
  ["an approved node's certificate as a server", await makeIdentity(pki, "node", "w-1"), false],
  ["an operator's certificate as a server", await makeIdentity(pki, "operator", "alice"), false],
  ["a hub's name from the node intermediate", await misissued("node"), false],
  ["a hub's name from the operator intermediate", await misissued("operator"), false],
  ["an expired hub", await makeIdentity(pki, "hub", "master-1", new Date("2021-01-01")), false],
  ["a self-signed one", selfSigned(), false],
  ["our hub again", hub, true],
];

/** Ends at once with what the program printed. */
async function ask(file: string, args: readonly string[], question: object): Promise<string[]> {
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(question));
  return JSON.parse(await text(child.stdout)) as string[];
}

t.test("the agent talks to its own hub and to no impostor, in Node and compiled by bun", async (t) => {
  const hubs = await Promise.all(servers.map(([, identity]) => startNodeHub(identity, async () => undefined)));
  t.teardown(() => hubs.forEach((h) => h.stop()));
  const dir = mkdtempSync(join(tmpdir(), "kubedos-dial-"));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const node = selfSigned();
  const question = { ports: hubs.map((h) => h.port), rootCa: rootPem(pki), certificate: chainPem(node.chain), key: keyPem(node.key) };

  const probe = fileURLToPath(new URL("../../test/fakes/dial-probe.ts", import.meta.url));
  const bun = fileURLToPath(new URL("../../node_modules/@oven/bun-linux-x64/bin/bun", import.meta.url));
  const flags = ["--compile", "--minify", "--bytecode", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const built = spawnSync(bun, ["build", ...flags, probe, "--outfile", join(dir, "probe")], { encoding: "utf8" });
  t.equal(built.status, 0, built.stderr);

  const runtimes: [string, string, string[]][] = [
    ["Node", process.execPath, [probe]],
    ["bun", join(dir, "probe"), []],
  ];
  for (const [runtime, file, args] of runtimes) {
    const outcomes = await ask(file, args, question);
    const wanted = `up ${Buffer.from(spkiOf(hub.key)).toString("base64")}`;
    for (const [i, [name, , good]] of servers.entries()) {
      if (good) t.equal(outcomes[i], wanted, `${runtime}: ${name}`);
      else t.match(outcomes[i], /^refused DISCONNECTED: the server is not our hub: ./, `${runtime}: ${name}`);
    }
  }
  t.same(hubs.map((h) => h.calls).filter((_, i) => servers[i]?.[2] !== true), [0, 0, 0, 0, 0, 0, 0, 0], "no impostor saw a stream");
});
