import t from "tap";
import { PINNED_QUESTION, UNANCHORED_QUESTION } from "../../hub/cli/approval/confirm.ts";
import { firmwareDigest } from "../../proto/release/firmware.ts";
import { FAKE_NOW } from "../fakes/fake-hub.ts";
import { type Bench, startBench, type World } from "./harness.ts";

const W1 = `000b${"b".repeat(56)}1b1b1b1b`;
const LOOKALIKE = `000b${"d".repeat(56)}3d3d3d3d`;

async function bench(t: { teardown(f: () => Promise<void>): void }): Promise<Bench> {
  const b = await startBench();
  t.teardown(() => b.close());
  return b;
}

t.test("the last eight digits approve, and the hub gets the operator's own statement", async (t) => {
  const b = await bench(t);
  const ran = await b.run(["approve", "w-1", "--reason", "rack 4, ünit 2"], { answers: ["1b1b1b1b"] });
  t.equal(ran.code, 0, ran.stderr);
  t.same(ran.asked, [PINNED_QUESTION]);
  t.equal(PINNED_QUESTION, "Type the last 8 hex digits of the EK name to approve, or press Enter to leave it: ");
  t.same(b.hub.state.approvals, [
    {
      approval: {
        kind: "kubedos/approval",
        version: 1,
        cluster: "demo",
        ekName: W1,
        slot: "w-1",
        role: "worker",
        identityGeneration: 1,
        releaseGeneration: 3,
        firmware: firmwareDigest(b.hub.state.nodes.find((n) => n.name === "w-1")?.firmware ?? {}),
        notAfter: FAKE_NOW / 1000 + 86_400,
        acceptRisks: [],
      },
      reason: "rack 4, ünit 2",
      by: "alice",
    },
  ]);
  t.match(ran.stderr, /EK name +000b bbbb(?: bbbb)+\n +(?:bbbb )+1b1b 1b1b\n/, "the name stands in groups of four");
  t.match(ran.stderr, /PCR findings +none/);
  t.match(ran.stderr, /release +1a2b3c4d5e6f7788, generation 3/);
  t.match(ran.stderr, /first seen +3m12s ago/);
  t.equal(ran.stdout, "w-1 is connected: wg1 10.78.0.5, wg2 10.79.0.5, wg3 10.80.0.5\n", "it waited");
});

t.test("answers that approve, and near misses that don't", async (t) => {
  const cases: readonly (readonly [answer: string | null, code: number, kubedosCode: string])[] = [
    ["1B1B 1B1B", 0, ""],
    [` ${W1} `, 0, ""],
    ["", 1, "LEFT_ALONE"],
    [null, 1, "LEFT_ALONE"],
    ["y", 8, "EK_MISMATCH"],
    ["yes", 8, "EK_MISMATCH"],
    ["b1b1b1b", 8, "EK_MISMATCH"],
    ["1b1b1b1c", 8, "EK_MISMATCH"],
    ["bbbbbbbb", 8, "EK_MISMATCH"],
    [W1.slice(1), 8, "EK_MISMATCH"],
  ];
  for (const [answer, code, kubedosCode] of cases) {
    const b = await startBench();
    const ran = await b.run(["approve", "w-1", "-o", "json", "--no-wait"], { answers: [answer] });
    t.equal(ran.code, code, `answer ${JSON.stringify(answer)}`);
    if (code !== 0) t.match(ran.stderr, new RegExp(`"code":"${kubedosCode}"`));
    t.equal(b.hub.state.calls.includes("Approve"), code === 0, "the hub was asked only after a good answer");
    await b.close();
  }
});

t.test("an unanchored machine needs its risk named, a slot, and the whole EK name", async (t) => {
  const risk = "--accept-risk=unanchored";
  const cases: readonly (readonly [argv: readonly string[], world: World, code: number, kubedosCode: string])[] = [
    [[], { answers: [LOOKALIKE] }, 8, "UNANCHORED"],
    [["--slot", "w-10"], { answers: [LOOKALIKE] }, 8, "UNANCHORED"],
    [["--ek-name", LOOKALIKE, "--slot", "w-10"], {}, 8, "UNANCHORED"],
    [[risk], { answers: [LOOKALIKE] }, 2, "USAGE"],
    [[risk, "--slot", "w-10"], { answers: ["3d3d3d3d"] }, 8, "EK_MISMATCH"],
    [[risk, "--slot", "w-10"], {}, 2, "NO_TERMINAL"],
    [["--accept-risk=everything", "--slot", "w-10"], { answers: [LOOKALIKE] }, 2, "USAGE"],
    [[risk, "--slot", "../x"], { answers: [LOOKALIKE] }, 2, "USAGE"],
    [[risk, "--slot", "w-10"], { answers: [LOOKALIKE] }, 0, ""],
    [[risk, "--slot", "w-10", "--ek-name", LOOKALIKE], {}, 0, ""],
  ];
  for (const [argv, world, code, kubedosCode] of cases) {
    const b = await startBench();
    const ran = await b.run(["approve", "dd00", "-o", "json", ...argv], world);
    t.equal(ran.code, code, `${argv.join(" ")}: ${ran.stderr}`);
    if (code !== 0) t.match(ran.stderr, new RegExp(`"code":"${kubedosCode}"`));
    t.equal(b.hub.state.approvals.length, code === 0 ? 1 : 0);
    if (code === 0) t.same(b.hub.state.approvals[0]?.approval, { ...b.hub.state.approvals[0]?.approval, slot: "w-10", acceptRisks: ["unanchored"] });
    if (code !== 2) t.match(ran.stderr, /UNANCHORED: nobody vouches for this TPM; anyone's laptop can run one like it/);
    if (ran.asked.length > 0) t.same(ran.asked, [UNANCHORED_QUESTION]);
    await b.close();
  }
});

t.test("what can't be approved is refused before anything is signed", async (t) => {
  const b = await bench(t);
  const cases: readonly (readonly [argv: readonly string[], code: number, kubedosCode: string])[] = [
    [["approve", "master-1"], 4, "ALREADY_DECIDED"],
    [["approve", "w-3"], 8, "REFUSED"],
    [["approve", "w-1", "--slot", "w-2"], 4, "SLOT_MISMATCH"],
    [["approve", "w-1", "--ek-name", LOOKALIKE], 8, "EK_MISMATCH"],
    [["approve", "w-1", "--ek-name", "1b1b1b1b"], 2, "USAGE"],
    [["approve", "w-1"], 2, "NO_TERMINAL"],
    [["approve", "nobody"], 3, "NOT_FOUND"],
    [["approve", "w-1", "--expires", "forever"], 2, "USAGE"],
    [["approve", "--all"], 2, "USAGE"],
  ];
  for (const [argv, code, kubedosCode] of cases) {
    const ran = await b.run([...argv, "-o", "json"]);
    t.equal(ran.code, code, `${argv.join(" ")}: ${ran.stderr}`);
    t.match(ran.stderr, new RegExp(`"code":"${kubedosCode}"`));
  }
  b.hub.state.findings["bb00112233445566"] = b.hub.state.findings["ee00112233445566"] ?? [];
  t.equal((await b.run(["approve", "w-1"], { answers: ["1b1b1b1b"] })).code, 8, "findings against it");
  t.notOk(b.hub.state.calls.includes("Approve"));
});

t.test("a hub that lies about what is signed", async (t) => {
  const lies: readonly (readonly [string, Record<string, unknown>])[] = [
    ["another cluster", { cluster: "other" }],
    ["an EK name that is none", { ekName: `${W1}00` }],
    ["a role that is no label", { role: "../../etc" }],
    ["no generation", { generation: 0n }],
    ["a slot that is no label", { name: "w 1" }],
    ["no firmware, so that the statement would fit any", { firmware: {} }],
    ["a firmware that is none", { firmware: { "0": "00" } }],
  ];
  for (const [what, lie] of lies) {
    const b = await startBench();
    b.hub.state.nodes = b.hub.state.nodes.map((n) => (n.id.startsWith("bb") ? { ...n, ...lie } : n));
    const ran = await b.run(["approve", "bb00", "-o", "json"], { answers: ["1b1b1b1b"] });
    t.equal(ran.code, 8, what);
    t.match(ran.stderr, /"code":"HUB_UNTRUSTED"/);
    t.notOk(b.hub.state.calls.includes("Approve"), what);
    await b.close();
  }
});

t.test("an unknown anchor counts as none", async (t) => {
  const b = await bench(t);
  b.hub.state.nodes = b.hub.state.nodes.map((n) => (n.name === "w-1" ? { ...n, anchor: "certificate?" } : n));
  t.equal((await b.run(["approve", "w-1"], { answers: ["1b1b1b1b"] })).code, 8);
});

t.test("the hub's own refusal comes through with its code", async (t) => {
  const b = await bench(t);
  const ran = await b.run(["approve", "w-1", "--no-wait"], {
    answers: ["1b1b1b1b"],
  });
  t.equal(ran.code, 0);
  const again = await b.run(["approve", "w-1"], { answers: ["1b1b1b1b"] });
  t.equal(again.code, 4, "somebody was faster");
});

t.test("waiting: refused afterwards is 8, too slow is 7, and the hub goes on", async (t) => {
  const rejected = await bench(t);
  rejected.hub.state.afterApproval = ["challenged", "quarantined"];
  t.equal((await rejected.run(["approve", "w-1", "--ek-name", W1])).code, 0 + 7, "challenged is no end");
  const b = await bench(t);
  b.hub.state.afterApproval = ["quarantined"];
  t.equal((await b.run(["approve", "w-1", "--ek-name", W1])).code, 8);
  const slow = await bench(t);
  slow.hub.state.afterApproval = [];
  const ran = await slow.run(["approve", "w-1", "--ek-name", W1, "--timeout", "3s"]);
  t.equal(ran.code, 7);
  t.match(ran.stderr, /did not connect within 3s; the hub goes on \(TIMED_OUT\); next: kubedos-hub node show w-1/);
});

t.test("connected isn't enough: it waits until the kernel has its planes, and says honestly when that doesn't come", async (t) => {
  const b = await bench(t);
  const ran = await b.run(["approve", "w-1", "--ek-name", W1, "-o", "json"]);
  t.match(JSON.parse(ran.stdout), { state: "connected", serialHub: 5, serialApplied: 5 }, "the first acknowledged update is there");
  t.match(ran.stderr, /waiting for w-1 to connect: approved\n.*waiting for w-1 to bring up its planes: connected\n/s);
  const stuck = await bench(t);
  stuck.hub.state.afterApproval = ["connected"];
  const late = await stuck.run(["approve", "w-1", "--ek-name", W1, "--timeout", "3s"]);
  t.equal(late.code, 7);
  t.equal(late.stdout, "", "nothing claims that it has them");
  t.match(late.stderr, /w-1 is connected, but did not say that its kernel has its planes within 3s; the hub goes on \(TIMED_OUT\)/);
});

t.test("Ctrl-C ends it with 130 and says that the hub goes on", async (t) => {
  const b = await bench(t);
  b.hub.state.afterApproval = [];
  const abort = new AbortController();
  const ran = await b.run(["approve", "w-1", "--ek-name", W1], { interrupted: abort.signal, onSleep: () => abort.abort() });
  t.equal(ran.code, 130);
  t.match(ran.stderr, /interrupted; if the hub has the approval, it goes on; look with: kubedos-hub node show bb00112233445566/);
  t.equal(ran.stdout, "");
});

t.test("dry-run asks, signs and sends nothing", async (t) => {
  const b = await bench(t);
  const ran = await b.run(["approve", "w-1", "--dry-run"]);
  t.equal(ran.code, 0);
  t.same(ran.asked, []);
  t.notOk(b.hub.state.calls.includes("Approve"));
  t.equal((await b.run(["approve", "dd00", "--dry-run"])).code, 8, "an unanchored machine is refused here, too");
});
