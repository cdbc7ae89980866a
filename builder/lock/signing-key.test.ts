import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { makeSigningKey } from "./signing-key.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-pgp-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const TIME = 1_735_689_600;
let count = 0;

/** Debian 13's own verifier, the one that apt asks there: what it says is signed. */
async function verify(certificate: Uint8Array, message: string): Promise<string> {
  const work = join(dir, `${(count += 1)}`);
  writeFileSync(`${work}.gpg`, certificate);
  writeFileSync(`${work}.asc`, message);
  const { stdout } = await runTool(tc, ["sh", "-c", 'sqv --keyring "$1.gpg" --cleartext --output /tmp/out "$1.asc" >/dev/null && cat /tmp/out', "sqv", work], { readBinds: [dir] });
  return stdout;
}

t.test("sqv accepts what we sign", async (t) => {
  for (let i = 0; i < 3; i += 1) {
    const key = await makeSigningKey("somebody", TIME);
    t.equal(await verify(key.certificate, await key.clearSign(`Suite: trixie\nSHA256:\n ${i} Packages\n- dashes\n-----BEGIN`)), `Suite: trixie\nSHA256:\n ${i} Packages\n- dashes\n-----BEGIN`);
  }
});

t.test("and nothing else", async (t) => {
  const key = await makeSigningKey("somebody", TIME);
  const message = await key.clearSign("SHA256:\n abc Packages\n");
  await verify(key.certificate, message);
  await t.rejects(verify(key.certificate, message.replace("abc", "abd")), { code: "FAILED" }, "a changed letter");
  await t.rejects(verify(key.certificate, message.replace("Packages\n", "Packages\n more\n")), { code: "FAILED" }, "a line more");
  await t.rejects(verify((await makeSigningKey("somebody", TIME)).certificate, message), { code: "FAILED" }, "another key of the same name");
  const future = await makeSigningKey("somebody", Math.floor(Date.now() / 1000) + 86_400);
  await t.rejects(verify(future.certificate, await future.clearSign("x")), { code: "FAILED" }, "tomorrow's signature");
  const [at, spoilt] = [key.certificate.length - 3, Uint8Array.from(key.certificate)];
  spoilt[at] = (spoilt[at] ?? 0) ^ 1;
  await t.rejects(verify(spoilt, message), { code: "FAILED" }, "a certificate whose own signature is spoilt");
});
