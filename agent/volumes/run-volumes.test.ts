import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { BOOT_ID } from "../../test/fakes/evidence-case.ts";
import { VolumeMachine } from "../../test/fakes/volume-machine.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { createFiles } from "../host/files.ts";
import { PATHS } from "../paths.ts";
import { runVolumes } from "./run-volumes.ts";
import { readVolumeStates } from "./volumes-file.ts";

const MIB = 2 ** 20;
const machine = await VolumeMachine.make();
t.teardown(() => machine.stop());

const run = (): Promise<number> => runVolumes(machine.ports, new AbortController().signal);
/** `open`, `made` or the code of the machine's one volume after a try. */
async function outcome(): Promise<string> {
  const code = await run();
  const [state] = (await readVolumeStates(createFiles(machine.root), BOOT_ID)) ?? [];
  if (state === undefined) throw new Error("nothing was said of the volume");
  if ((code === 0) !== (state.state === "open")) throw new Error(`exit code ${code} and ${state.state}`);
  return state.state === "open" ? (state.made ? "made" : "open") : state.code;
}
const programs = (): readonly string[] => machine.ran.map(({ argv }) => argv.filter((w) => !w.startsWith("-") && !w.startsWith("DM_") && w !== "env").slice(0, 2).join(" "));
/** A changed header, or any bytes, on the volume's disk; afterwards as before. */
async function spoiled(offset: number, data: Uint8Array, check: () => Promise<void>): Promise<void> {
  const before = machine.read("vdb").subarray(offset, offset + data.length);
  await machine.write("vdb", offset, data);
  await check();
  await machine.write("vdb", offset, before);
}

t.test("a blank disk becomes a volume, which the next boots open", async (t) => {
  t.equal(await outcome(), "made");
  t.same(programs(), [
    "cryptsetup luksFormat", "cryptsetup open", "mke2fs ext4", "cryptsetup close", "cryptsetup token",
    "cryptsetup luksDump", "cryptsetup open", "e2fsck /dev/mapper/kubedos-hub", "mkdir /var/lib/kubedos-hub", "mount ext4",
  ]);
  t.match(machine.ran.at(-1)?.argv.join(" "), /-o nodev,nosuid,noexec,nosymfollow/);
  t.equal(await outcome(), "open", "a second process of this boot has nothing to do");
  const [secret] = machine.ran.map((r) => r.stdin).filter((s) => s !== "");
  t.match(secret, /^[0-9a-f]{64}$/);
  for (const { argv } of machine.ran) t.notOk(argv.some((word) => word.includes(secret ?? "")), "the key is in no argument");
  t.notOk(machine.lines.join().includes(secret ?? ""), "nor in a line");
  t.notOk(machine.read("vdb").includes(secret ?? ""), "nor on the disk");
  t.same([existsSync(machine.path(`${PATHS.volumeHeaders}/hub.luks`))], [false], "no copy of the header stays");

  await machine.boot();
  t.equal(await outcome(), "open");
  t.notOk(programs().includes("cryptsetup luksFormat"));
  await machine.boot(["kubedos-agent"], [[12, "nothing is"]]);
  t.equal(await outcome(), "VOLUME_LOCKED", "another boot does not");
  await machine.approve();
  t.equal(await outcome(), "open", "unless it is approved: the next release");
  await machine.boot();
  await machine.approve();
  t.equal(await outcome(), "open");
});

t.test("by nothing else", async (t) => {
  const control = async (): Promise<void> => {
    await machine.boot();
    await machine.approve();
    t.equal(await outcome(), "open", "the control");
    await machine.boot();
  };
  await control();
  await machine.boot(["kubedos-agent", "kubedos-admitted"]);
  t.equal(await outcome(), "VOLUMES_CLOSED", "after the closing word");
  await machine.boot(["kubedos-failed"]);
  t.equal(await outcome(), "PCR_UNEXPLAINED", "in a failed boot");
  await machine.boot();
  await machine.approve({ role: "worker" });
  t.equal(await outcome(), "VOLUME_LOCKED", "approved for another role");
  await machine.approve({ key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey });
  t.equal(await outcome(), "VOLUME_LOCKED", "approved by another key");
  machine.put("/dev/vda4", new Uint8Array(16_384));
  t.equal(await outcome(), "VOLUME_LOCKED", "no approvals");
  machine.put("/dev/vda4", "no JSON at all");
  t.equal(await outcome(), "VOLUME_LOCKED", "a damaged partition");
  await control();
});

t.test("a disk that might hold data is never made anew, and an edited one isn't opened", async (t) => {
  const header = machine.read("vdb").subarray(0, MIB);
  const text = header.toString("latin1");
  const start = text.indexOf("{", 4096);
  const json = text.slice(start, text.indexOf("\0", start));
  const edited = (change: (json: string) => string): Uint8Array => {
    const bytes = Buffer.from(header);
    for (const at of [4096, 16_384 + 4096]) {
      bytes.fill(0, at, at + 12_288);
      bytes.write(change(json), at, "latin1");
    }
    return bytes;
  };
  const other = json.replace(/"ticket":"(.)/, (_, c: string) => `"ticket":"${c === "A" ? "B" : "A"}`);
  const cases: readonly [string, string, (json: string) => string][] = [
    ["no cipher on the data", "VOLUME_ALTERED", (s) => s.replaceAll("aes-xts-plain64", "cipher_null-ecb")],
    ["no cipher on the segment alone", "VOLUME_ALTERED", (s) => s.replace(/("iv_tweak":"0","encryption":")[^"]*/, "$1cipher_null-ecb")],
    ["no integrity", "VOLUME_ALTERED", (s) => s.replace(/,"integrity":\{[^}]*\}/, "")],
    ["tags that anybody can make", "VOLUME_ALTERED", (s) => s.replace("hmac(sha256)", "crc32c")],
    ["a second key slot", "VOLUME_ALTERED", (s) => s.replace('"keyslots":{"0":', '"keyslots":{"1":{},"0":')],
    ["a second segment", "VOLUME_ALTERED", (s) => s.replace('"segments":{"0":{', '"segments":{"1":{},"0":{')],
    ["another beginning of the data", "VOLUME_ALTERED", (s) => s.replace('"offset":"1048576"', '"offset":"2097152"')],
    ["a requirement", "VOLUME_ALTERED", (s) => s.replace('"config":{', '"config":{"requirements":{"mandatory":["x"]},')],
    ["no token of ours", "VOLUME_ALTERED", (s) => s.replace("kubedos-tpm2", "systemd-tpm2")],
    ["a sealed key with another ticket", "VOLUME_FORGED", () => other],
    ["another volume's digest of the key", "VOLUME_ALTERED", (s) => s.replace(/"digest":"[^"]*"/, '"digest":"AAAA"')],
    ["no JSON", "VOLUME_ALTERED", () => "{"],
  ];
  for (const [what, code, change] of cases) {
    await machine.boot();
    t.not(change(json), json, what);
    await spoiled(0, edited(change), async () => {
      const before = sha256(machine.read("vdb"));
      t.equal(await outcome(), code, what);
      t.same(sha256(machine.read("vdb")), before, `${what}: the disk is as it was`);
      t.notOk(existsSync(machine.path(`${PATHS.mapper}/kubedos-hub`)), `${what}: nothing was opened`);
    });
  }
  await machine.boot();
  t.equal(await outcome(), "open", "the control");

  await machine.boot();
  await spoiled(0, new Uint8Array(4096), async () => {
    t.equal(await outcome(), "open", "the first sectors wiped: the header's second copy serves");
  });
});

t.test("foreign disks", async (t) => {
  machine.plug("vdc", "kubedos-data", 36);
  const config = { ...machine.config, volumes: [{ name: "data", mount: "/srv/data" }] };
  machine.put(PATHS.imageConfig, JSON.stringify(config));
  const cases: readonly [string, number, Uint8Array][] = [
    ["a partition table", 512, utf8("EFI PART")],
    ["a file system", 1080, Uint8Array.of(0x53, 0xef)],
    ["a volume group", 536, utf8("LVM2 001")],
    ["something in the first MiB", 300_000, utf8("x")],
    ["a label at the end", 35 * MIB, utf8("x")],
    ["something where data would begin", MIB, utf8("x")],
  ];
  for (const [what, offset, data] of cases) {
    await machine.boot();
    machine.plug("vdc", "kubedos-data", 36);
    await machine.write("vdc", offset, data);
    t.equal(await outcome(), "VOLUME_FOREIGN", what);
  }
  await machine.boot();
  machine.plug("vdc", "kubedos-data", 36);
  await machine.write("vdc", 0, Buffer.concat([Buffer.from("LUKS\xba\xbe", "latin1"), Buffer.from([0, 1])]));
  t.equal(await outcome(), "VOLUME_ALTERED", "somebody's LUKS");
  machine.plug("vdc", "kubedos-data", 16);
  t.equal(await outcome(), "VOLUME_TOO_SMALL");
  machine.plug("vdd", "kubedos-data", 36);
  t.equal(await outcome(), "VOLUME_AMBIGUOUS");
  machine.unplug("vdd");
  machine.unplug("vdc");
  t.equal(await outcome(), "VOLUME_MISSING");
  machine.plug("vdc", "kubedos-data", 36);
  t.equal(await outcome(), "made", "the control");
  machine.unplug("vdc");
  machine.put(PATHS.imageConfig, JSON.stringify(machine.config));
});

t.test("another TPM, and a file system that needs a decision", async (t) => {
  await machine.boot();
  machine.fsck = 4;
  t.equal(await outcome(), "VOLUME_DAMAGED");
  await machine.boot();
  machine.fsck = 1;
  t.equal(await outcome(), "open", "one that could be mended is mended");
  machine.fsck = 0;
  await machine.exchangeTpm();
  await machine.approve();
  t.equal(await outcome(), "VOLUME_OTHER_TPM");
});

t.test("a power cut at any moment of the making leaves a disk that the next boot makes, or a volume that it opens", async (t) => {
  await machine.boot();
  machine.plug("vdb", "kubedos-hub", 36);
  t.equal(await outcome(), "made");
  const { effects } = machine;
  t.ok(effects > 10);
  const ends: string[] = [];
  for (let n = 0; n < effects; n++) {
    await machine.boot();
    machine.plug("vdb", "kubedos-hub", 36);
    machine.cutAt = n;
    await outcome();
    await machine.boot();
    const end = await outcome();
    ends.push(end);
    t.match(end, /^(made|open)$/, `cut before effect ${n}`);
  }
  t.same(ends.toSorted(), ends, "made up to one moment, opened from then on");
  t.ok(ends.includes("open") && ends.includes("made"));
});

t.test("nothing to open", async (t) => {
  await machine.boot();
  machine.put(PATHS.imageConfig, JSON.stringify({ ...machine.config, volumes: undefined }));
  t.equal(await run(), 0);
  t.same(JSON.parse(readFileSync(machine.path(PATHS.volumes), "utf8")), { kind: "kubedos/volumes", version: 1, bootId: BOOT_ID, volumes: [] });
  machine.put(PATHS.imageConfig, JSON.stringify({ ...machine.config, policyKey: undefined }));
  t.equal(await outcome(), "BAD_CONFIG", "volumes without a key that approves");
  machine.put(PATHS.imageConfig, JSON.stringify(machine.config));
});
