import t from "tap";
import { startBench } from "./harness.ts";

t.test("revoking asks for the name, or takes --yes, and says who has dropped the node", async (t) => {
  const cases: readonly (readonly [argv: readonly string[], answers: readonly string[] | undefined, code: number, revoked: boolean])[] = [
    [["w-1"], ["w-1"], 0, true],
    [["bb00"], ["w-1"], 0, true],
    [["w-1"], ["y"], 1, false],
    [["w-1"], [""], 1, false],
    [["w-1"], ["w-2"], 1, false],
    [["w-1"], undefined, 2, false],
    [["w-1", "--yes"], undefined, 0, true],
    [["nobody", "--yes"], undefined, 3, false],
  ];
  for (const [argv, answers, code, revoked] of cases) {
    const b = await startBench();
    const ran = await b.run(["revoke", ...argv, "--reason", "drill"], answers === undefined ? {} : { answers });
    t.equal(ran.code, code, `${argv.join(" ")} ${answers?.join()}: ${ran.stderr}`);
    t.equal(b.hub.state.calls.includes("Revoke"), revoked);
    if (revoked) t.equal(ran.stdout, "w-1 is revoked\n  dropped by   master-1, w-1\n  not yet by   none\n");
    await b.close();
  }
});

t.test("a peer that has not answered: the revocation holds, exit code 7", async (t) => {
  const b = await startBench();
  t.teardown(() => b.close());
  b.hub.state.outstanding = ["w-2"];
  const ran = await b.run(["revoke", "w-1", "--reason", "drill", "--yes", "-o", "json"]);
  t.equal(ran.code, 7);
  t.match(JSON.parse(ran.stdout), { kind: "Revocation", node: { state: "banned" }, acknowledged: ["master-1", "w-1"], outstanding: ["w-2"] });
  t.match(ran.stderr, /1 live peer\(s\) have not answered/);
});

t.test("an audit whose chain is broken, and a hub that is not well, end with 1", async (t) => {
  const b = await startBench();
  t.teardown(() => b.close());
  b.hub.state.auditIntact = false;
  const audit = await b.run(["audit"]);
  t.equal(audit.code, 1);
  t.match(audit.stderr, /AUDIT_BROKEN/);
  t.match(audit.stdout, /window\.open/, "the rows are shown all the same");
  const health = await b.run(["health", "-o", "json"]);
  t.equal(health.code, 1);
  t.match(JSON.parse(health.stdout), { kind: "Health", ok: false });
  t.match(JSON.parse(health.stderr), { code: "UNHEALTHY" });
});

t.test("what a machine writes can't move the operator's cursor", async (t) => {
  const b = await startBench();
  t.teardown(() => b.close());
  const evil = "w-1\u001b[2K\u001b[1A\u202eadmin\u009b31m\u0007\nEK name fine";
  b.hub.state.nodes = b.hub.state.nodes.map((n) => ({ ...n, claimedSlot: evil, message: evil, role: evil, phase: evil, code: "X" }));
  b.hub.state.findings = Object.fromEntries(b.hub.state.nodes.map((n) => [n.id, [{ code: "X", pcr: 11, index: 0, eventType: evil, field: evil, what: evil, expected: evil, found: evil, cause: evil }]]));
  for (const argv of [["nodes"], ["pending"], ["pending", "-o", "wide"], ["node", "show", "w-1"], ["explain", "w-1"], ["nodes", "-o", "json"], ["nodes", "-o", "yaml"], ["nodes", "-o", "jsonl"], ["approve", "w-1"]]) {
    const { stdout, stderr } = await b.run(argv, { answers: [""] });
    const text = stdout + stderr;
    t.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/, argv.join(" "));
    t.notMatch(text, /^EK name fine/m, `${argv.join(" ")}: no line of its own`);
  }
  const json = JSON.parse((await b.run(["node", "show", "w-1", "-o", "json"])).stdout);
  t.equal(json.claimedSlot, evil, "escaped, not changed");
  const { parse } = await import("yaml");
  t.equal(parse((await b.run(["node", "show", "w-1", "-o", "yaml"])).stdout).claimedSlot, evil);
});
