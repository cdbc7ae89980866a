import t from "tap";
import { FAKE_NOW } from "../fakes/fake-hub.ts";
import { type Bench, startBench } from "./harness.ts";

const EK = `000b${"4e".repeat(32)}`;
const LOOKALIKE = `000b${"d".repeat(56)}3d3d3d3d`;

async function bench(t: { teardown(f: () => Promise<void>): void }): Promise<Bench> {
  const b = await startBench();
  t.teardown(() => b.close());
  return b;
}

t.test("a pin is the operator's own statement, and so is its end", async (t) => {
  const b = await bench(t);
  const ran = await b.run(["ek", "pin", "w-10", EK.replace(/(.{4})/g, "$1 ").trim().toUpperCase(), "--reason", "read at the rack"]);
  t.equal(ran.code, 0, ran.stderr);
  t.equal(ran.stdout, "w-10 is for EK …4e4e4e4e, pinned by alice\n");
  const said = { kind: "kubedos/ek-pin", version: 1, cluster: "demo", slot: "w-10", role: "worker", ekName: EK, issuedAt: FAKE_NOW } as const;
  t.same(b.hub.state.pinned, [{ pin: said, reason: "read at the rack" }]);
  t.equal((await b.run(["ek", "unpin", "w-10"])).stdout, "w-10 is for no EK in particular\n");
  t.same(b.hub.state.pinned.at(-1), { pin: { ...said, ekName: null }, reason: undefined });
});

t.test("what can't be pinned is refused before anything is signed", async (t) => {
  const b = await bench(t);
  const cases: readonly (readonly [argv: readonly string[], code: number, kubedosCode: string])[] = [
    [["ek", "pin", "w-77", EK], 3, "SLOT_UNKNOWN"],
    [["ek", "pin", "master-1", EK], 4, "CONFLICT"],
    [["ek", "unpin", "master-1"], 4, "CONFLICT"],
    [["ek", "pin", "w-10", EK.slice(0, -1)], 2, "USAGE"],
    [["ek", "pin", "w-10", `000c${"4e".repeat(32)}`], 2, "USAGE"],
    [["ek", "pin", "w-10", "4e4e4e4e"], 2, "USAGE"],
    [["ek", "pin", "../x", EK], 2, "USAGE"],
    [["ek", "pin", "w-10"], 2, "USAGE"],
    [["ek", "unpin"], 2, "USAGE"],
  ];
  for (const [argv, code, kubedosCode] of cases) {
    const ran = await b.run([...argv, "-o", "json"]);
    t.equal(ran.code, code, `${argv.join(" ")}: ${ran.stderr}`);
    t.match(ran.stderr, new RegExp(`"code":"${kubedosCode}"`), argv.join(" "));
  }
  b.hub.state.ekPins = b.hub.state.ekPins.map((p) => ({ ...p, role: "../etc" }));
  t.match((await b.run(["ek", "pin", "w-10", EK, "-o", "json"])).stderr, /"code":"HUB_UNTRUSTED"/, "a hub that lies about what is signed");
  t.same(b.hub.state.pinned, []);
  t.notOk(b.hub.state.calls.includes("SetEkPin"));
});

t.test("a machine with a certificate needs a slot and no risk", async (t) => {
  const b = await bench(t);
  const text = "TPM swtpm id:20191023 by id:00001014, until 2034-01-01";
  b.hub.state.nodes = b.hub.state.nodes.map((n) => (n.id.startsWith("dd") ? { ...n, state: "pending", anchor: "certificate", ekCertificate: "GOOD", ekCertificateText: text } : n));
  const { stdout, stderr } = await b.run(["pending"]);
  t.match(stdout, /^dd001122 .* pending .* certificate .* attested, needs approval$/m);
  t.notMatch(stderr, /WARNING/);
  t.match((await b.run(["node", "show", "dd00"])).stdout, /anchor +certificate: a maker[^\n]*\n(?:.*\n){2}EK cert +good: TPM swtpm/);
  t.match((await b.run(["nodes", "-o", "wide"])).stdout, /certificate/);
  t.match((await b.run(["explain", "dd00"])).stdout, /Next: kubedos-hub approve dd00112233445566 --slot NAME/);
  const without = await b.run(["approve", "dd00", "-o", "json"], { answers: ["3d3d3d3d"] });
  t.equal(without.code, 2, "which slot?");
  const ran = await b.run(["approve", "dd00", "--slot", "w-10"], { answers: ["3d3d3d3d"] });
  t.equal(ran.code, 0, ran.stderr);
  t.match(b.hub.state.approvals[0]?.approval, { ekName: LOOKALIKE, slot: "w-10", acceptRisks: [] });
});

t.test("a certificate that anchors nobody is named wherever people look", async (t) => {
  const b = await bench(t);
  const bad = { ekCertificate: "EK_CERTIFICATE_UNTRUSTED", ekCertificateText: "The EK's certificate leads to no configured root." };
  b.hub.state.nodes = b.hub.state.nodes.map((n) => (n.id.startsWith("dd") ? { ...n, ...bad } : n));
  t.match((await b.run(["pending"])).stdout, /^dd001122 .* unanchored .* NONE .* EK_CERTIFICATE_UNTRUSTED$/m);
  t.match((await b.run(["node", "show", "dd00"])).stdout, /EK cert +EK_CERTIFICATE_UNTRUSTED: The EK's certificate leads/);
  t.match((await b.run(["explain", "dd00"])).stdout, /Its TPM's certificate anchors nobody, EK_CERTIFICATE_UNTRUSTED/);
  t.equal((await b.run(["approve", "dd00", "--slot", "w-10", "-o", "json"], { answers: [LOOKALIKE] })).code, 8, "and takes no risk away");
});
