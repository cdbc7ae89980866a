import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { initKeys } from "../keys/init-keys.ts";
import { openKeys } from "../keys/open-keys.ts";
import { makeFileSigner } from "../sign/signer.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { stampGuest } from "./stamp.ts";
import { destroyState, lockState, readPins, STATE_FILES, writePins } from "./state-folder.ts";

const work = await mkdtemp(join(tmpdir(), "kubedos-deploy-"));
t.teardown(() => rm(work, { recursive: true }));
const state = join(work, "state");
const tc = await ensureToolchain(defaultCacheDir, () => undefined);
const file = new URL("../../examples/demo.yaml", import.meta.url).pathname;
const text = await readFile(file, "utf8");
const spec = parseClusterSpec(text, file);
const keysOf = async (cluster: string) => {
  const dir = join(work, `keys-${cluster}`);
  await initKeys({ dir, cluster, passphrase: "a long enough passphrase", now: new Date() });
  return await openKeys(dir, "a long enough passphrase");
};
const keys = await keysOf("demo");
const write = (stamped: ReadonlyMap<string, string>) => writePins(state, spec, keys, makeFileSigner(keys), stamped);

t.test("a folder belongs to one process at a time", async (t) => {
  const unlock = await lockState(state);
  await t.rejects(lockState(state), { code: "STATE_EXISTS" });
  await unlock();
  await writeFile(join(state, STATE_FILES.lock), "999999999");
  await t.resolves(lockState(state).then((release) => release()), "a lock whose process is gone is none");
});

t.test("a stamped guest keeps its EK, and the pin file its serial until something changes", async (t) => {
  const first = await stampGuest(tc, join(state, "worker-1"));
  t.match(first, /^000b[0-9a-f]{64}$/);
  t.equal(await stampGuest(tc, join(state, "worker-1")), first, "the same machine");
  t.not(await stampGuest(tc, join(state, "worker-2")), first, "another machine");

  const one = await write(new Map([["worker-1", first]]));
  t.same(await write(new Map([["worker-1", first]])), one, "nothing changed, nothing is signed");
  await write(new Map([["worker-1", first], ["worker-2", `000b${"0".repeat(64)}`]]));
  const { pins } = await readPins(join(state, STATE_FILES.pins), keys);
  t.equal(pins.serial, 2);
  t.equal(pins.slots.find((slot) => slot.name === "worker-1")?.ekName, first);
  t.equal(pins.slots.find((slot) => slot.name === "master")?.ekName, null);
});

t.test("pin files of others are refused", async (t) => {
  const others = await keysOf("other");
  const theirs = parseClusterSpec(text.replace("name: demo", "name: other"), file);
  await t.rejects(writePins(state, theirs, others, makeFileSigner(others), new Map()), { code: "BAD_VALUE" }, "signed by a key that isn't theirs");
  const envelope = JSON.parse(await readFile(join(state, STATE_FILES.pins), "utf8")) as { payload: string };
  await writeFile(join(work, "edited.json"), JSON.stringify({ ...envelope, payload: Buffer.from(Buffer.from(envelope.payload, "base64").toString().replace('"serial":2', '"serial":9')).toString("base64") }));
  await t.rejects(readPins(join(work, "edited.json"), keys), { code: "BAD_VALUE" }, "edited");
});

t.test("destroy takes a deployment's folder and no other, and not a running one", async (t) => {
  await t.rejects(destroyState(work), { code: "NOT_DEPLOYED" });
  const unlock = await lockState(state);
  await t.rejects(destroyState(state), { code: "STATE_EXISTS" });
  await unlock();
  await destroyState(state);
  t.notOk(existsSync(state));
});
