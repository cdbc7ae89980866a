import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { boundArgv } from "../../test/fakes/bound-argv.ts";
import { parseEnvelope } from "../../proto/dsse/dsse.ts";
import type { PinnedEkTrust } from "../../proto/release/pins.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { initKeys } from "../keys/init-keys.ts";
import { openKeys } from "../keys/open-keys.ts";
import { rotateKeys } from "../keys/rotate-keys.ts";
import { makeFileSigner } from "../sign/signer.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { shortFolder } from "./short-folder.ts";
import { stampGuest } from "./stamp.ts";
import { destroyState, openState, readPins, STATE_FILES, writePins } from "./state-folder.ts";

const work = await mkdtemp(join(tmpdir(), "kubedos-deploy-"));
t.teardown(() => rm(work, { recursive: true }));
const state = join(work, "state");
const tc = await ensureToolchain(defaultCacheDir, () => undefined);
const file = new URL("../../examples/demo.yaml", import.meta.url).pathname;
const text = await readFile(file, "utf8");
const spec = parseClusterSpec(text, file);
const keysOf = async (cluster: string, dir: string) => {
  await initKeys({ dir: join(work, dir), cluster, passphrase: "a long enough passphrase", now: new Date() });
  return await openKeys(join(work, dir), "a long enough passphrase");
};
const keys = await keysOf("demo", "keys");
const others = await keysOf("other", "keys-other");
const write = (stamped: ReadonlyMap<string, string>, ekTrust: PinnedEkTrust | null = null) => writePins(state, spec, keys, makeFileSigner(keys), stamped, ekTrust);

t.test("a folder belongs to one process at a time, and a lock dies with its process", async (t) => {
  const release = await openState(state, keys);
  await t.rejects(openState(state, keys), { code: "STATE_IN_USE", message: new RegExp(`process ${process.pid} `) });
  await release();

  const module = new URL("lock-folder.ts", import.meta.url).pathname;
  const code = `const { lockFolder } = await import(${JSON.stringify(module)}); await lockFolder(${JSON.stringify(state)}); console.log("held"); setInterval(() => {}, 1000);`;
  const [file, ...args] = boundArgv([process.execPath, "--input-type=module", "--eval", code]);
  const holder = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  await t.rejects(openState(state, keys), { code: "STATE_IN_USE", message: new RegExp(`process ${holder.pid} `) }, "of another process");
  await t.rejects(destroyState(state), { code: "STATE_IN_USE" });
  holder.kill("SIGKILL");
  await once(holder, "exit");
  // Its file is still there and says nothing any more, also if another process has its number by now.
  await writeFile(join(state, "deploy.pid"), String(process.pid));
  await t.resolves(openState(state, keys).then((again) => again()), "killed: the folder is free");
});

t.test("a folder belongs to one cluster and its keys", async (t) => {
  const same = await keysOf("demo", "keys-again");
  await t.rejects(openState(state, others), { code: "OTHER_CLUSTER", message: /cluster "demo", not of "other"/ });
  await t.rejects(openState(state, same), { code: "OTHER_CLUSTER", message: /other keys/ }, "the same name with other keys");
  t.same((await readdir(state)).sort(), [STATE_FILES.owner], "nothing was changed");

  const foreign = join(work, "foreign");
  await mkdir(foreign);
  await writeFile(join(foreign, "diary.txt"), "");
  await t.rejects(openState(foreign, keys), { code: "FOREIGN_FOLDER" });
  t.same(await readdir(foreign), ["diary.txt"], "nothing was changed");
  await writeFile(join(foreign, STATE_FILES.owner), '{"kind":"kubedos/state"}');
  await t.rejects(openState(foreign, keys), { code: "FOREIGN_FOLDER" }, "a file of that name that is none");
  await t.rejects(destroyState(foreign), { code: "FOREIGN_FOLDER" });
  t.ok(existsSync(join(foreign, "diary.txt")));
});

t.test("a stamped guest keeps its EK, and the pin file its serial until something changes", async (t) => {
  const first = await stampGuest(tc, join(state, "worker-1"));
  t.match(first, /^000b[0-9a-f]{64}$/);
  t.equal(await stampGuest(tc, join(state, "worker-1")), first, "the same machine");
  const second = await stampGuest(tc, join(state, "worker-2"));
  t.not(second, first, "another machine");

  const one = await write(new Map([["worker-1", first]]));
  t.same(await write(new Map([["worker-1", first]])), one, "nothing changed, nothing is signed");
  await write(new Map([["worker-1", first], ["worker-2", second]]));
  const { pins } = await readPins(join(state, STATE_FILES.pins), keys);
  t.equal(pins.serial, 2);
  t.equal(pins.slots.find((slot) => slot.name === "worker-1")?.ekName, first);
  t.equal(pins.slots.find((slot) => slot.name === "master")?.ekName, null);

  const ekTrust: PinnedEkTrust = { roots: ["AAAA"], intermediates: [], quirks: [], revoked: [] };
  const both = new Map([["worker-1", first], ["worker-2", second]]);
  const three = await write(both, ekTrust);
  t.same((await readPins(join(state, STATE_FILES.pins), keys)).pins, { ...(await readPins(join(state, STATE_FILES.pins), keys)).pins, serial: 3, ekTrust }, "makers' certificates travel with the pins");
  t.same(await write(both, ekTrust), three, "the same ones, nothing is signed");
  await write(both);
  t.equal((await readPins(join(state, STATE_FILES.pins), keys)).pins.ekTrust, undefined, "and go with the next serial");

  await rm(join(state, "worker-1"), { recursive: true });
  const replaced = await stampGuest(tc, join(state, "worker-1"));
  await t.rejects(write(new Map([["worker-1", replaced], ["worker-2", second]])), { code: "WRONG_EK", message: new RegExp(`${replaced}.*${first}`) }, "a pin doesn't follow a vTPM that was swapped");
  t.equal((await readPins(join(state, STATE_FILES.pins), keys)).pins.serial, 4);
  t.same((await readdir(state)).filter((name) => name.startsWith(STATE_FILES.pins)), [STATE_FILES.pins], "no half file");
});

t.test("a folder with a long path stamps through a short one", async (t) => {
  const deep = join(work, "d".repeat(100), "state");
  await mkdir(deep, { recursive: true });
  const short = await shortFolder(deep, ["worker-1"]);
  t.not(short.path, deep);
  const ek = await stampGuest(tc, join(short.path, "worker-1"));
  t.ok(existsSync(join(deep, "worker-1", "tpm")), "the TPM is where it belongs");
  t.equal(await readlink(short.path), deep);
  await short.release();
  t.notOk(existsSync(short.path));
  t.ok(existsSync(join(deep, "worker-1", "tpm")), "and stays there");
  const again = await shortFolder(deep, ["worker-1"]);
  t.equal(await stampGuest(tc, join(again.path, "worker-1")), ek, "the same machine by another way");
  await again.release();
  t.equal((await shortFolder(state, ["worker-1"])).path, state, "a short one is taken as it is");
  await t.rejects(shortFolder(deep, ["w".repeat(63)], join(work, "d".repeat(100))), { code: "FOREIGN_FOLDER" }, "no room anywhere");
  t.same(await readdir(join(work, "d".repeat(100))), ["state"], "and nothing is left of the try");
});

t.test("pin files of others are refused", async (t) => {
  const theirs = parseClusterSpec(text.replace("name: demo", "name: other"), file);
  await t.rejects(writePins(state, theirs, others, makeFileSigner(others), new Map()), { code: "BAD_VALUE" }, "signed by a key that isn't theirs");
  const envelope = JSON.parse(await readFile(join(state, STATE_FILES.pins), "utf8")) as { payload: string };
  await writeFile(join(work, "edited.json"), JSON.stringify({ ...envelope, payload: Buffer.from(Buffer.from(envelope.payload, "base64").toString().replace('"serial":4', '"serial":9')).toString("base64") }));
  await t.rejects(readPins(join(work, "edited.json"), keys), { code: "BAD_VALUE" }, "edited");
});

t.test("a rotated release key is learned, and one that was forgotten in between isn't", async (t) => {
  const dir = join(work, "state-rotated");
  const rotated = async (day: number) => {
    await rotateKeys({ dir: join(work, "keys"), access: { secret: "a long enough passphrase" }, what: "release", uid: 0, now: new Date(Date.UTC(2030, 0, day)), acceptStranded: true });
    return await openKeys(join(work, "keys"), "a long enough passphrase");
  };
  const deploy = async (by: typeof keys) => {
    await (await openState(dir, by))();
    return await writePins(dir, spec, by, makeFileSigner(by), new Map());
  };
  await deploy(keys);
  const second = await rotated(1);
  const envelope = await deploy(second);
  t.equal(parseEnvelope(envelope).signatures.length, 2);
  const { pins } = await readPins(join(dir, STATE_FILES.pins), keys);
  t.equal(pins.serial, 1, "the same pins keep their serial");
  t.same(await deploy(second), envelope, "and nothing is written twice");
  const third = await rotated(2);
  await deploy(third);
  await rotated(3);
  const fifth = await rotated(4);
  await t.rejects(openState(dir, fifth), { code: "OTHER_CLUSTER" });
});

t.test("destroy takes a deployment's folder and no other, and not a running one", async (t) => {
  await t.rejects(destroyState(work), { code: "NOT_DEPLOYED" });
  const release = await openState(state, keys);
  await t.rejects(destroyState(state), { code: "STATE_IN_USE" });
  await release();
  await destroyState(state);
  t.notOk(existsSync(state));
});
