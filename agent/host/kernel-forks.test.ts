import { appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { kernelForks } from "./kernel-forks.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-kmsg-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const FORK = "random: crng reseeded due to virtual machine fork";

function newLog(name: string) {
  const path = join(dir, name);
  const lines: string[] = [];
  return { path, lines, forks: kernelForks(path, { line: (text) => void lines.push(text) }) };
}

t.test("the newest fork by the kernel's own words", async (t) => {
  const { path, lines, forks } = newLog("kmsg");
  writeFileSync(path, "6,0,0,-;Linux version 6.12\n SUBSYSTEM=acpi\n DEVICE=+acpi:x\n");
  t.equal(forks.latest(), "", "an ordinary boot");
  appendFileSync(path, `5,811,93000001,-;${FORK}\n6,812,93000002,c;wireguard: x\n`);
  t.equal(forks.latest(), "811");
  t.equal(forks.latest(), "811", "and again");
  const spoiled: readonly string[] = [
    `13,813,1,-;${FORK}`,
    `5,814,1,-;${FORK} no`,
    `5,815,1,-;x ${FORK}`,
    `5,x,1,-;${FORK}`,
    ` 5,816,1,-;${FORK}`,
    `5,817,1;${FORK}`,
  ];
  for (const line of spoiled) {
    appendFileSync(path, `${line}\n`);
    t.equal(forks.latest(), "811", `not ${line.slice(0, 20)}`);
  }
  appendFileSync(path, `5,900,93000003,-;${FORK.slice(0, 20)}`);
  t.equal(forks.latest(), "811", "half a line is none");
  appendFileSync(path, `${FORK.slice(20)}\n`);
  t.equal(forks.latest(), "900");
  t.same(lines, []);
});

t.test("a long log is read in pieces, and its end is found", async (t) => {
  const { path, forks } = newLog("long");
  writeFileSync(path, `${Array.from({ length: 60_000 }, (_, n) => `6,${n},${n},-;${"x".repeat(60)}`).join("\n")}\n5,60001,1,-;${FORK}\n`);
  let looks = 1;
  while (forks.latest() === "" && looks < 100) looks++;
  t.equal(forks.latest(), "60001");
  t.ok(looks > 1 && looks < 20, "in a few looks");
});

t.test("no log, and one that can't be read", async (t) => {
  const none = newLog("none");
  t.equal(none.forks.latest(), "");
  t.same(none.lines, [], "no virtual machine's kernel is no fault");
  const loop = newLog("loop");
  symlinkSync(loop.path, loop.path);
  t.equal(loop.forks.latest(), "");
  t.equal(loop.forks.latest(), "");
  t.match(loop.lines, [/ELOOP/], "is said, once");
});
