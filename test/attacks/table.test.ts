import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import t from "tap";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { attacksSpec } from "./attacks-spec.ts";
import { ATTACKS } from "./table.ts";

const root = new URL("../..", import.meta.url).pathname;
const docs = readFileSync(`${root}docs/attacks.md`, "utf8");
const rows = docs
  .split("\n")
  .filter((line) => /^\| `[a-z0-9-]+` \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));

t.test("docs/attacks.md has one row for each attack, in their order, and says what the code says", async (t) => {
  t.same(rows.map((row) => row[1]), ATTACKS.map((attack) => attack.name));
  for (const attack of ATTACKS) {
    const row = rows.find((r) => r[1] === attack.name);
    t.same([row?.[2], row?.[6]], [attack.title, attack.ci ? "yes" : ""], attack.name);
    t.ok((row?.[3] ?? "").length > 10, `${attack.name}: what stops it`);
  }
});

t.test("every attack has its golden explanation, with the end and the code of the docs", async (t) => {
  const files = globSync("*.txt", { cwd: `${root}test/golden/attacks` }).map((file) => basename(file, ".txt"));
  t.same(files.sort(), ATTACKS.map((attack) => attack.name).sort());
  for (const { name } of ATTACKS) {
    const [first = "", blank, ...rest] = readFileSync(`${root}test/golden/attacks/${name}.txt`, "utf8").split("\n");
    const row = rows.find((r) => r[1] === name);
    t.same([first, blank], [`${row?.[4]} ${row?.[5]}`, ""], name);
    t.ok(rest.join("\n").length > 60, `${name} is explained`);
    t.notMatch(rest.join("\n"), /[0-9a-f]{12}/, `${name}: nothing that changes from run to run`);
  }
});

t.test("CI runs at least ten, and the matrix is as long as it was", async (t) => {
  t.ok(ATTACKS.filter((attack) => attack.ci).length >= 10);
  t.ok(ATTACKS.length >= 33);
});

t.test("names are names of slots, and no two rows share one", async (t) => {
  const slots = ATTACKS.flatMap((attack) => attack.slots ?? [attack.name]);
  t.same([...new Set(slots)].length, slots.length);
  t.doesNotThrow(() => parseClusterSpec(attacksSpec(slots), "spec.yaml"), "and all of them fit one spec");
  t.throws(() => parseClusterSpec(attacksSpec(["Not a label"]), "spec.yaml"));
});
