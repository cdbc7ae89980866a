import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";
import { startBench } from "./harness.ts";

const main = fileURLToPath(new URL("../../hub/main.ts", import.meta.url));
const bench = await startBench();
t.teardown(() => bench.close());
const env = { ...process.env, ...bench.env, TERM: "xterm" };

interface Session {
  readonly child: ChildProcess;
  readonly seen: () => string;
  readonly until: (pattern: RegExp) => Promise<void>;
  readonly ended: Promise<number | null>;
}

/** The real program on a real terminal: util-linux `script` makes it, and passes on the exit code. */
function onTerminal(argv: readonly string[]): Session {
  const words = [process.execPath, main, ...argv];
  for (const word of words) if (!/^[A-Za-z0-9_./=-]+$/.test(word)) throw new Error(`not safe in a shell: ${word}`);
  const child = spawn("script", ["-qfec", words.join(" "), "/dev/null"], { env, stdio: ["pipe", "pipe", "pipe"] });
  let seen = "";
  child.stdout.on("data", (data: Buffer) => {
    seen += data.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const until = async (pattern: RegExp) => {
    for (let i = 0; i < 300 && !pattern.test(seen); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!pattern.test(seen)) throw new Error(`never saw ${pattern}; saw: ${seen}`);
  };
  return { child, seen: () => seen, until, ended };
}

const QUESTION = /Type the last 8 hex digits of the EK name to approve, or press Enter to leave it: /;

t.test("the prompt on a terminal: Enter leaves it, the right digits approve", async (t) => {
  const leave = onTerminal(["approve", "w-2"]);
  await leave.until(QUESTION);
  leave.child.stdin?.write("\n");
  t.equal(await leave.ended, 1);
  t.match(leave.seen(), /left as it is: nothing was approved \(LEFT_ALONE\)/);

  const wrong = onTerminal(["approve", "w-2"]);
  await wrong.until(QUESTION);
  wrong.child.stdin?.write("deadbeef\n");
  t.equal(await wrong.ended, 8);
  t.notOk(bench.hub.state.calls.includes("Approve"));

  const right = onTerminal(["approve", "w-2"]);
  await right.until(QUESTION);
  t.match(right.seen(), /2c2c 2c2c/, "the name to compare was shown first");
  right.child.stdin?.write("2c2c2c2c\n");
  t.equal(await right.ended, 0, right.seen());
  t.match(right.seen(), /w-2 is connected/);
});

t.test("Ctrl-C at the prompt: 130, nothing approved", async (t) => {
  bench.hub.state.calls.length = 0;
  const session = onTerminal(["approve", "w-1"]);
  await session.until(QUESTION);
  session.child.stdin?.write("\u0003");
  t.equal(await session.ended, 130);
  t.match(session.seen(), /interrupted; /);
  t.notOk(bench.hub.state.calls.includes("Approve"));
});

t.test("Ctrl-C while waiting: 130, and the words say that the hub goes on", async (t) => {
  bench.hub.state.afterApproval = [];
  const session = onTerminal(["approve", "w-1"]);
  await session.until(QUESTION);
  session.child.stdin?.write("1b1b1b1b\n");
  await session.until(/waiting for w-1 to connect/);
  session.child.stdin?.write("\u0003");
  t.equal(await session.ended, 130);
  t.match(session.seen().replaceAll("\r\n", "\n"), /if the hub has the approval, it goes on/);
  t.equal(bench.hub.state.approvals.filter((a) => a.approval.slot === "w-1").length, 1);
});

t.test("without a terminal: data on stdout, prose on stderr, and a closed pipe is no error", async (t) => {
  const piped = await new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = spawn(process.execPath, [main, "pending", "-o", "json"], { env, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (d: Buffer) => (out += d.toString()));
    child.stderr.on("data", (d: Buffer) => (err += d.toString()));
    child.once("close", (code) => resolve({ code, out, err }));
  });
  t.equal(piped.code, 0, piped.err);
  t.match(JSON.parse(piped.out), { kind: "NodeList" });
  t.match(piped.err, /unanchored/);
  const bad = spawnSync(process.execPath, [main, "bogus"], { encoding: "utf8" });
  t.equal(bad.status, 2);
  const closed = spawnSync("bash", ["-c", '"$1" "$2" explain --help | head -c 1 >/dev/null; exit "${PIPESTATUS[0]}"', "bash", process.execPath, main], { encoding: "utf8" });
  t.equal(closed.status, 0, closed.stderr);
});
