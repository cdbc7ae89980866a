import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { boundArgv } from "../fakes/bound-argv.ts";
import { chainPem, makePki } from "../fakes/pki.ts";
import { startSwtpm } from "../swtpm/start-swtpm.ts";

const main = fileURLToPath(new URL("../../hub/main.ts", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "kubedos-serve-"));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

async function end(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = "";
  child.stderr?.on("data", (d: Buffer) => (err += d.toString()));
  return await new Promise((resolve) => child.once("close", (code) => resolve({ code, err })));
}

t.test("serve waits for its delivery, listens to nobody before, and ends cleanly on SIGTERM and Ctrl-C", async (t) => {
  const pki = await makePki("demo");
  const swtpm = await startSwtpm();
  t.teardown(() => swtpm.stop());
  const releaseKey = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "der" });
  const plane = (name: string, cidr: string, port: number) => ({ name, cidr, port, topology: "hub-and-spoke" });
  const image = {
    ...{ kind: "kubedos/image", version: 1, cluster: "demo", role: "master", hub: true, ports: [], epoch: 0, trust: { leaseMs: 900_000, renewMs: 300_000 } },
    planes: [plane("wg1", "10.78.0.0/24", 51821), plane("wg2", "10.79.0.0/24", 51822), plane("wg3", "10.80.0.0/24", 51823)],
    releaseKeys: [releaseKey.toString("base64")],
    rootCa: chainPem([pki.root.certificate]),
  };
  writeFileSync(join(dir, "image.json"), JSON.stringify(image));
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const [stateDir, runDir] = [join(dir, `${signal}-state`), join(dir, `${signal}-run`)];
    for (const d of [stateDir, runDir]) mkdirSync(d, { mode: 0o700 });
    const [file, ...argv] = boundArgv([process.execPath, main, "serve", "--image", join(dir, "image.json"), "--state-dir", stateDir, "--run-dir", runDir, "--listen", "127.0.0.1", "--node-port", "1", "--operator-port", "1", "--tpm", `unix:${swtpm.socketPath}`]);
    const child = spawn(file, argv, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = end(child);
    for (let i = 0; i < 200 && !existsSync(join(runDir, "issuers.json")); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    t.ok(existsSync(join(runDir, "issuers.json")), "the issuers' keys are there for the claims");
    t.notOk(existsSync(join(runDir, "hub.sock")), "not even the socket answers yet");
    child.kill(signal);
    const { code, err } = await ended;
    t.equal(code, 0, err);
    t.match(err, /the hub has stopped/);
  }
});

t.test("an image's configuration that is none is said in one sentence", async (t) => {
  writeFileSync(join(dir, "bad.json"), "{}");
  for (const file of ["bad.json", "none.json"]) {
    const { code, err } = await end(spawn(process.execPath, [main, "serve", "--image", join(dir, file), "--state-dir", dir, "--run-dir", dir], { stdio: ["ignore", "pipe", "pipe"] }));
    t.equal(code, 1);
    t.match(err, /^kubedos-hub: the hub did not start: .*\(NOT_STARTED\); next: journalctl -u kubedos-hub\n$/);
  }
});
