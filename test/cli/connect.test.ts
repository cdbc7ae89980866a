import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:tls";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import t from "tap";
import { clusterState } from "../fakes/fake-cluster.ts";
import { startFakeHub } from "../fakes/fake-hub.ts";
import { chainPem, keyPem, makeIdentity, makePki, type TestIdentity, type TestPki, writeIdentity } from "../fakes/pki.ts";
import { run, startBench } from "./harness.ts";

const bench = await startBench();
t.teardown(() => bench.close());
const { pki } = bench;

t.test("impostors of the hub get nothing but a handshake", async (t) => {
  const foreign = await makePki("demo");
  const otherCluster = await makePki("other");
  // TLS itself is content with this one: only our own check of the name stands between it and the operator.
  const sibling = await makePki("other", pki.root);
  const leafAsIssuer = await makeIdentity(pki, "hub", "master-1");
  const impostors: readonly (readonly [string, TestPki, TestIdentity])[] = [
    ["a foreign CA's hub", foreign, await makeIdentity(foreign, "hub", "master-1")],
    ["another cluster's hub", otherCluster, await makeIdentity(otherCluster, "hub", "master-1")],
    ["another cluster's hub under our own root", sibling, await makeIdentity(sibling, "hub", "master-1")],
    ["a node of this cluster", pki, await makeIdentity(pki, "node", "w-1")],
    ["an operator of this cluster", pki, await makeIdentity(pki, "operator", "mallory")],
    ["a hub whose certificate has ended", pki, await makeIdentity(pki, "hub", "master-1", new Date("2021-01-01T00:00:00Z"))],
    ["a node's issuer that calls its leaf a hub", pki, await makeIdentity({ ...pki, issuers: { ...pki.issuers, hub: pki.issuers.node } }, "hub", "master-1")],
    ["a hub without its intermediate", pki, { key: leafAsIssuer.key, chain: leafAsIssuer.chain.slice(0, 1) }],
    ["the root sent along", pki, { key: leafAsIssuer.key, chain: [...leafAsIssuer.chain.slice(0, 1), pki.root.certificate] }],
  ];
  for (const [what, serverPki, identity] of impostors) {
    const impostor = await startFakeHub(serverPki, identity, clusterState());
    const ran = await run(["nodes", "-o", "json"], { env: { KUBEDOS_HUB_ADDRESS: impostor.address, KUBEDOS_HUB_IDENTITY: bench.identityDir } });
    await impostor.stop();
    t.equal(ran.code, 8, `${what}: ${ran.stderr}`);
    t.match(JSON.parse(ran.stderr), { kind: "Error", code: "HUB_UNTRUSTED", exit: 8 });
    t.same(impostor.state.calls, [], `${what} saw no call`);
    t.equal(ran.stdout, "");
    if (serverPki === sibling) t.match(ran.stderr, /not constrained to hub\.demo/, "refused by our check, in its words");
  }
});

t.test("a hub that refuses our certificate", async (t) => {
  const foreign = await makePki("demo");
  // Its own certificate is good, but it trusts operators of another root.
  const hub = await startFakeHub(foreign, await makeIdentity(pki, "hub", "master-1"), clusterState());
  t.teardown(() => hub.stop());
  const ran = await run(["nodes", "-o", "json"], { env: { KUBEDOS_HUB_ADDRESS: hub.address, KUBEDOS_HUB_IDENTITY: bench.identityDir } });
  t.match(ran.stderr, /NOT_AN_OPERATOR|does not take your certificate/);
  t.ok(ran.code === 5 || ran.code === 6, ran.stderr);
  t.same(hub.state.calls, []);
});

t.test("TLS below 1.3 is refused", async (t) => {
  const hub = await makeIdentity(pki, "hub", "master-1");
  const old = createTlsServer({ key: keyPem(hub.key), cert: chainPem(hub.chain), maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] });
  old.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
  t.teardown(() => old.close());
  const address = old.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const ran = await run(["nodes"], { env: { KUBEDOS_HUB_ADDRESS: `127.0.0.1:${address.port}`, KUBEDOS_HUB_IDENTITY: bench.identityDir } });
  t.not(ran.code, 0);
});

t.test("no hub is an outage, with the system's word for it", async (t) => {
  const ran = await bench.run(["nodes"], { env: { ...bench.env, KUBEDOS_HUB_ADDRESS: "127.0.0.1:1" } });
  t.equal(ran.code, 6);
  t.match(ran.stderr, /^kubedos-hub: no hub answers at 127\.0\.0\.1:1 \(ECONNREFUSED\) \(UNAVAILABLE\); next: kubedos-hub health\n$/);
  const socket = await run(["nodes", "--socket", join(bench.dir, "none.sock")]);
  t.equal(socket.code, 6);
});

t.test("an identity that can't be used is refused before any connection", async (t) => {
  const copy = (name: string, change: (dir: string) => void): string => {
    const dir = join(bench.dir, name);
    mkdirSync(dir);
    for (const f of ["operator.key", "operator.crt", "root.crt"]) copyFileSync(join(bench.identityDir, f), join(dir, f));
    chmodSync(join(dir, "operator.key"), 0o600);
    change(dir);
    return dir;
  };
  const node = await makeIdentity(pki, "node", "w-1");
  const foreign = await makePki("demo");
  const expired = await makeIdentity(pki, "operator", "alice", new Date("2021-01-01T00:00:00Z"));
  const other = await makeIdentity(pki, "operator", "bob");
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["no folder", join(bench.dir, "nowhere"), /operator\.key can't be read/],
    ["a key that others can read", copy("open", (d) => chmodSync(join(d, "operator.key"), 0o644)), /chmod 600/],
    ["a key that is none", copy("nokey", (d) => writeFileSync(join(d, "operator.key"), "hello")), /not an unencrypted private key/],
    ["no certificate", copy("nocrt", (d) => writeFileSync(join(d, "operator.crt"), "hello")), /not an operator's certificate/],
    ["a node's certificate", writeIdentity(join(bench.dir, "node"), node, pki.root.certificate), /not an operator's certificate/],
    ["another root", copy("root", (d) => writeFileSync(join(d, "root.crt"), chainPem([foreign.root.certificate]))), /does not hold/],
    ["an ended certificate", writeIdentity(join(bench.dir, "old"), expired, pki.root.certificate), /expired/],
    ["somebody else's key", copy("mixed", (d) => writeFileSync(join(d, "operator.key"), keyPem(other.key))), /not the key of/],
  ];
  for (const [what, dir, words] of cases) {
    const ran = await run(["nodes", "--hub", bench.hub.address, "--identity", dir]);
    t.equal(ran.code, 5, `${what}: ${ran.stderr}`);
    t.match(ran.stderr, words, what);
    t.match(ran.stderr, /\(IDENTITY_INVALID\)/, what);
    t.notMatch(ran.stderr, /PRIVATE KEY-----/);
  }
});

t.test("the socket reads, and every decision is refused without being sent", async (t) => {
  const path = join(bench.dir, "hub.sock");
  const hub = await startFakeHub(pki, await makeIdentity(pki, "hub", "master-1"), clusterState(), path);
  t.teardown(() => hub.stop());
  for (const argv of [["nodes"], ["pending"], ["node", "show", "w-1"], ["explain", "w-3"], ["window", "status"], ["audit"], ["health"]]) {
    t.equal((await run([...argv, "--socket", path])).code, 0, argv.join(" "));
  }
  hub.state.calls.length = 0;
  const decisions = [
    ["approve", "w-1", "--ek-name", "00".repeat(34)],
    ["deny", "w-1", "--reason", "x"],
    ["revoke", "w-1", "--reason", "x", "--yes"],
    ["window", "open"],
    ["window", "close"],
  ];
  for (const argv of decisions) {
    const ran = await run([...argv, "--socket", path]);
    t.equal(ran.code, 5, `${argv.join(" ")}: ${ran.stderr}`);
    t.match(ran.stderr, /\(READ_ONLY\)/);
  }
  t.same(hub.state.calls, []);
});

t.test("where to connect", async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--hub", "x:1", "--socket", "/s"], /can't be used together/],
    [["--hub", "x:1"], /give --identity/],
    [["--identity", "/x"], /--identity needs --hub/],
    [["--hub", "nowhere", "--identity", "/x"], /is not HOST:PORT/],
    [["--hub", "x:0", "--identity", "/x"], /is not HOST:PORT/],
    [["--hub", "x:65536", "--identity", "/x"], /is not HOST:PORT/],
    [["--hub", "http://x:1/", "--identity", "/x"], /is not HOST:PORT/],
  ];
  for (const [argv, words] of cases) {
    const ran = await run(["nodes", ...argv]);
    t.equal(ran.code, 2, argv.join(" "));
    t.match(ran.stderr, words);
  }
});

t.test("a message that is too large says so, whoever of the two noticed", async (t) => {
  t.teardown(() => {
    bench.hub.state.fail = undefined;
  });
  for (const details of ["Received message larger than max (9 vs 8)", "Attempted to send message with a size larger than 8"]) {
    bench.hub.state.fail = { code: status.RESOURCE_EXHAUSTED, details };
    const ran = await bench.run(["node", "show", "w-1"]);
    t.equal(ran.code, 2, ran.stderr);
    t.match(ran.stderr, /is larger than the protocol allows \(TOO_LARGE\)/);
  }
  bench.hub.state.fail = { code: status.RESOURCE_EXHAUSTED, details: "Bandwidth exhausted or memory limit exceeded" };
  t.match((await bench.run(["node", "show", "w-1"])).stderr, /Bandwidth exhausted.*\(RESOURCE_EXHAUSTED\)/, "nothing else does");
});

t.test("errors of the hub: code, sentence, exit code, next command", async (t) => {
  const cases: readonly (readonly [status, string | undefined, number])[] = [
    [status.NOT_FOUND, "NOT_FOUND", 3],
    [status.INVALID_ARGUMENT, "AMBIGUOUS_ID", 2],
    [status.ALREADY_EXISTS, "CONFLICT", 4],
    [status.PERMISSION_DENIED, "NOT_AN_OPERATOR", 5],
    [status.UNAVAILABLE, "HUB_NOT_READY", 6],
    [status.FAILED_PRECONDITION, "UNANCHORED", 8],
    [status.FAILED_PRECONDITION, "PCR_MISMATCH", 8],
    [status.FAILED_PRECONDITION, undefined, 8],
    [status.UNAUTHENTICATED, undefined, 5],
    [status.ABORTED, undefined, 4],
    [status.INTERNAL, "INTERNAL", 1],
    [status.UNKNOWN, "lower case is no code", 1],
    [status.UNKNOWN, undefined, 1],
  ];
  t.teardown(() => {
    bench.hub.state.fail = undefined;
  });
  for (const [code, kubedosCode, exit] of cases) {
    bench.hub.state.fail = { code, details: "the hub's own sentence \u001b[2J", ...(kubedosCode === undefined ? {} : { kubedosCode }) };
    const ran = await bench.run(["node", "show", "w-1", "-o", "json"]);
    t.equal(ran.code, exit, `${status[code]} ${kubedosCode}`);
    const error = JSON.parse(ran.stderr);
    t.match(error, { apiVersion: "kubedos/v1", kind: "Error", exit });
    if (kubedosCode !== undefined && /^[A-Z_]+$/.test(kubedosCode)) t.equal(error.code, kubedosCode);
    t.notMatch(ran.stderr, /\u001b/, "no control character reaches the terminal");
  }
});
