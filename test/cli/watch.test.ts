import t from "tap";
import { startBench } from "./harness.ts";

t.test("nodes --watch -o json: one {type, object} a line, as things change", async (t) => {
  const bench = await startBench();
  t.teardown(() => bench.close());
  const abort = new AbortController();
  const { state } = bench.hub;
  const steps: (() => void)[] = [
    () => undefined,
    () => {
      state.nodes = state.nodes.map((n) => (n.name === "w-1" ? { ...n, state: "connected", attached: true } : n));
    },
    () => {
      state.nodes = state.nodes.filter((n) => n.name !== "w-2");
    },
    () => abort.abort(),
  ];
  const ran = await bench.run(["nodes", "--watch", "-o", "json"], { interrupted: abort.signal, onSleep: () => steps.shift()?.() });
  t.equal(ran.code, 130);
  const lines = ran.stdout.trim().split("\n").map((l) => JSON.parse(l) as { type: string; object: { name: string; state: string; kind: string } });
  t.same(
    lines.map((l) => `${l.type} ${l.object.name} ${l.object.state}`),
    ["ADDED master-1 connected", "ADDED w-1 pending", "ADDED w-2 pending", "ADDED w-3 rejected", "ADDED w-10 expected", "ADDED  unanchored", "MODIFIED w-1 connected", "DELETED w-2 pending"],
  );
  t.ok(lines.every((l) => l.object.kind === "Node"));
});

t.test("pending --watch: marked rows under one header line", async (t) => {
  const bench = await startBench();
  t.teardown(() => bench.close());
  const abort = new AbortController();
  const { state } = bench.hub;
  const steps: (() => void)[] = [
    () => {
      state.nodes = state.nodes.filter((n) => n.name !== "w-2");
    },
    () => abort.abort(),
  ];
  const ran = await bench.run(["pending", "--watch"], { interrupted: abort.signal, onSleep: () => steps.shift()?.() });
  const lines = ran.stdout.trimEnd().split("\n");
  t.match(lines[0], /^\* +ID +SLOT/);
  t.match(lines[1], /^\+ +dd001122/);
  t.match(lines.at(-1), /^- +cc001122/);
  t.equal(lines.filter((l) => l.startsWith("*")).length, 1, "one header");
  t.equal(lines[1]?.indexOf("dd00"), lines.at(-1)?.indexOf("cc00"), "rows line up");
});
