// The same spec, lock and keys give the same bytes, whoever builds, where, when and from which cache.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { builtRelease, Foundry } from "../../bench/foundry.ts";
import { differences } from "./differences.ts";

const LIMIT_MS = 15 * 60_000;
t.setTimeout(LIMIT_MS);

const foundry = new Foundry((line) => t.comment(line));
t.teardown(() => foundry.remove());
const projectDir = new URL("../..", import.meta.url).pathname;
const first = join(foundry.dir, "first");

/** What a build from an empty cache says, a line each, in this order. */
const STAGES = [/making the toolchain tree/, /making the base tree/, /worker: installing 10 packages/, /compiling kubedos-agent/, /compiling kubedos-hub/, /worker: assembling the image/, /worker: signing the UKI/, /worker: predicting its PCRs/, /worker: making the disk/, /sealing the release/];

/** Every program of the host is told a time an hour later, sees the checkout somewhere else and belongs to another user. */
const ELSEWHERE = `
  mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
  cp "$1/faketimerc" /etc/faketimerc
  mount --bind "$2" "$3"
  user=$4
  shift 4
  umask 077
  # The library's semaphore is of whoever loads it first in a process, so it may not be root.
  setpriv --reuid="$user" --regid="$user" --init-groups -- sh -c 'until [ -s /etc/ld.so.preload ]; do sleep 0.1; done; exec "$@"' sh "$@" &
  find /usr/lib -name libfaketimeMT.so.1 | head -n 1 > /etc/ld.so.preload
  wait $!
`;

t.before(async () => {
  await foundry.prepare();
  t.notOk(builtRelease(await foundry.succeed(foundry.buildArgv(first))).kept);
});

t.test("another user, folder, time zone, umask, an hour later and an empty cache", async (t) => {
  const user = `kubedos-${process.pid}`;
  execFileSync("useradd", ["--no-create-home", "--shell", "/usr/sbin/nologin", user]);
  t.teardown(() => execFileSync("userdel", [user]));
  const home = join(foundry.dir, "else where");
  const [etc, checkout, inputs, out] = [join(home, "etc"), join(home, "checkout"), join(home, "inputs"), join(home, "out")];
  for (const dir of [join(etc, "upper"), join(etc, "work"), checkout]) mkdirSync(dir, { recursive: true });
  cpSync(foundry.inputs, inputs, { recursive: true });
  chmodSync(join(inputs, "keys"), 0o700);
  writeFileSync(join(etc, "faketimerc"), "+1h\n");
  execFileSync("chown", ["-R", user, home]);
  chmodSync(foundry.dir, 0o711);

  const under = ["unshare", "--mount", "--", "sh", "-euc", ELSEWHERE, "sh", etc, projectDir, checkout, user];
  const env = { TZ: "Pacific/Auckland", LANG: "tr_TR.UTF-8" };
  const ended = await foundry.succeed(foundry.buildArgv(out, { inputs, cache: join(home, "cache") }), { under, checkout, env });
  let rest = ended.stderr;
  for (const stage of STAGES) {
    const at = rest.search(stage);
    t.ok(at >= 0, `${stage} was run`);
    rest = rest.slice(Math.max(at, 0));
  }
  t.equal(differences(first, out), "", "diffoscope finds no difference");
});

t.test("a worker more changes no byte, and what is there is recognised and compared", async (t) => {
  const spec = join(foundry.dir, "more.yaml");
  const line = "    - { name: worker-3, role: worker, index: 4, failureDomain: b, vm: { memory: 384MiB, cpus: 1 } }\n";
  const text = readFileSync(foundry.spec, "utf8");
  writeFileSync(spec, text.replace("\nnetwork:", `${line}\nnetwork:`).replace("    worker-2:", "    worker-3: 10.100.10.221\n    worker-2:"));
  const again = builtRelease(await foundry.succeed(foundry.buildArgv(first, { spec })));
  t.ok(again.kept, "it is this very release");
  const disk = join(again.dir, "worker/disk.qcow2");
  chmodSync(disk, 0o644);
  const data = readFileSync(disk);
  data[data.length - 70_000] = (data[data.length - 70_000] ?? 0) ^ 1;
  writeFileSync(disk, data);
  const refused = await foundry.run(foundry.buildArgv(first));
  t.equal(refused.code, 4);
  t.match(builtRelease(refused), { ok: false, code: "RELEASE_DIFFERS" });
});
