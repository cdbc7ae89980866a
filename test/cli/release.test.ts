import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { golden } from "../golden.ts";
import { startBench } from "./harness.ts";

t.test("releases are listed, staged, activated and withdrawn", async (t) => {
  const b = await startBench();
  t.teardown(() => b.close());
  const file = join(b.dir, "release.json");
  writeFileSync(file, "3c4d5e6f70819203");
  const cases: readonly (readonly [file: string, argv: readonly string[]])[] = [
    ["release-list.txt", ["release", "list"]],
    ["release-list.json", ["release", "list", "-o", "json"]],
    ["release-stage.json", ["release", "stage", file, "-o", "json"]],
    ["release-activate.txt", ["release", "activate", "3c4d5e6f70819203"]],
    ["release-withdraw.txt", ["release", "withdraw", "1a2b", "--reason", "CVE", "--accept-risk=no-current-release"]],
  ];
  for (const [name, argv] of cases) {
    const ran = await b.run(argv);
    t.equal(ran.code, 0, ran.stderr);
    t.equal(ran.stdout, golden(`cli/${name}`, ran.stdout), name);
  }
  t.same(b.hub.state.releases.map((r) => r.state), ["withdrawn", "withdrawn", "staged", "current"]);
  t.match((await b.run(["release", "list"])).stderr, /the generation's floor is 3/);
});

t.test("what can't be is said before or by the hub, with its code", async (t) => {
  const b = await startBench();
  t.teardown(() => b.close());
  const cases: readonly (readonly [argv: readonly string[], code: number, kubedosCode: string])[] = [
    [["release", "withdraw", "1a2b", "--reason", "CVE"], 8, "LAST_RELEASE"],
    [["release", "withdraw", "1a2b"], 2, "USAGE"],
    [["release", "withdraw", "1a2b", "--reason", "CVE", "--accept-risk=everything"], 2, "USAGE"],
    [["release", "activate", "ffff"], 3, "NOT_FOUND"],
    [["release", "activate", "../x"], 2, "USAGE"],
    [["release", "stage", join(b.dir, "nothing.json")], 1, "FILE_INVALID"],
  ];
  for (const [argv, code, kubedosCode] of cases) {
    const ran = await b.run([...argv, "-o", "json"]);
    t.equal(ran.code, code, `${argv.join(" ")}: ${ran.stderr}`);
    t.match(ran.stderr, new RegExp(`"code":"${kubedosCode}"`));
  }
});
