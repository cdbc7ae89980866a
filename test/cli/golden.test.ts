import t from "tap";
import { golden } from "../golden.ts";
import { type Bench, startBench } from "./harness.ts";

/** A case: file under test/golden/cli, command line, and what is compared. The JSON ones are promises to programs. */
const CASES: readonly (readonly [file: string, argv: readonly string[]])[] = [
  ["nodes.json", ["nodes", "-o", "json"]],
  ["nodes.jsonl", ["nodes", "-o", "jsonl"]],
  ["nodes.yaml", ["nodes", "-o", "yaml"]],
  ["nodes.txt", ["nodes"]],
  ["nodes-wide.txt", ["nodes", "-o", "wide"]],
  ["nodes-name.txt", ["nodes", "-o", "name"]],
  ["nodes-no-headers.txt", ["nodes", "--no-headers"]],
  ["pending.json", ["pending", "-o", "json"]],
  ["pending.txt", ["pending"]],
  ["node-show.json", ["node", "show", "master-1", "-o", "json"]],
  ["node-show.txt", ["node", "show", "master-1"]],
  ["explain-rejected.json", ["explain", "w-3", "-o", "json"]],
  ["explain-rejected.txt", ["explain", "w-3"]],
  ["explain-unanchored.txt", ["explain", "dd00"]],
  ["explain-code.json", ["explain", "UNANCHORED", "-o", "json"]],
  ["explain-code.txt", ["explain", "UNANCHORED"]],
  ["window-status.json", ["window", "status", "-o", "json"]],
  ["window-status.txt", ["window", "status"]],
  ["window-open.json", ["window", "open", "--for", "10m", "--max", "4", "-o", "json"]],
  ["window-close.txt", ["window", "close"]],
  ["ek-list.json", ["ek", "list", "-o", "json"]],
  ["ek-list.txt", ["ek", "list"]],
  ["ek-pin.json", ["ek", "pin", "w-10", `000b${"4e".repeat(32)}`, "-o", "json"]],
  ["ek-unpin.json", ["ek", "unpin", "w-1", "-o", "json"]],
  ["audit.json", ["audit", "-o", "json"]],
  ["audit.txt", ["audit"]],
  ["approve-dry-run.json", ["approve", "w-1", "--dry-run", "-o", "json"]],
  ["approve.json", ["approve", "w-1", "--ek-name", `000b${"b".repeat(56)}1b1b1b1b`, "-o", "json"]],
  ["deny.json", ["deny", "dd00", "--reason", "nobody knows it", "-o", "json"]],
  ["revoke.json", ["revoke", "w-2", "--reason", "drill", "--yes", "-o", "json"]],
  ["revoke.txt", ["revoke", "w-2", "--reason", "drill", "--yes"]],
];

for (const [file, argv] of CASES) {
  t.test(`${argv.slice(0, 6).join(" ")} is as in ${file}`, async (t) => {
    const bench: Bench = await startBench();
    t.teardown(() => bench.close());
    const ran = await bench.run(argv);
    t.equal(ran.code, 0, ran.stderr);
    t.equal(ran.stdout, golden(`cli/${file}`, ran.stdout));
    if (argv.includes("json")) t.match(JSON.parse(ran.stdout), { apiVersion: "kubedos/v1", kind: /^[A-Z][A-Za-z]+$/ });
  });
}

t.test("health is frozen, too, but for the port", async (t) => {
  const bench = await startBench();
  t.teardown(() => bench.close());
  const ran = await bench.run(["health", "-o", "json"]);
  const text = ran.stdout.replace(bench.hub.address, "HUB");
  t.equal(text, golden("cli/health.json", text));
});

t.test("tables never exceed 100 columns when piped, nor a terminal's own width", async (t) => {
  const bench = await startBench();
  t.teardown(() => bench.close());
  for (const argv of [["nodes"], ["pending"], ["audit"], ["health"]]) {
    for (const columns of [undefined, 80, 60]) {
      const { stdout } = await bench.run(argv, columns === undefined ? {} : { columns });
      const longest = Math.max(...stdout.split("\n").map((line) => line.length));
      t.ok(longest <= (columns ?? 100), `${argv.join(" ")} at ${columns ?? "a pipe"}: ${longest}`);
    }
  }
});

t.test("pending shows the unanchored machine first, and says what it is in words", async (t) => {
  const bench = await startBench();
  t.teardown(() => bench.close());
  const { stdout, stderr } = await bench.run(["pending"]);
  t.match(stdout.split("\n")[1], /^dd00.* unanchored .*NONE .*nobody vouches for this TPM$/);
  t.match(stderr, /1 unanchored: nobody vouches for this TPM; anyone's laptop can run one like it/);
});
