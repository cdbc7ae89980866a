import { spawnSync } from "node:child_process";
import t from "tap";

t.setTimeout(120_000);

const root = new URL("../..", import.meta.url).pathname;
/** npm and npx under a Node of the user's own; the programs choose theirs themselves. */
const env = { PATH: process.env["PATH"], HOME: process.env["HOME"] };
const npx = (...argv: readonly string[]) => spawnSync("npx", argv, { cwd: root, encoding: "utf8", env });
const npmExec = (...argv: readonly string[]) => spawnSync("npm", ["exec", "--no", "--", ...argv], { cwd: root, encoding: "utf8", env });

t.test("the three programs run by npx after a plain npm ci", async (t) => {
  for (const program of ["kubedos-build", "kubedos-hub"]) t.match(npx(program, "--help"), { status: 0, stdout: new RegExp(`^Usage: ${program}`) });
  t.match(npx("kubedos-agent", "version"), { status: 0, stdout: /^kubedos-agent \d/ });
  t.match(npmExec("kubedos-hub", "--help"), { status: 0, stdout: /^Usage: kubedos-hub/ }, "npm exec takes nothing from a registry");
  t.match(npx("kubedos-hub", "no-such-command"), { status: 2 }, "exit codes come through");
});
