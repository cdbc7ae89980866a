import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { readRoles } from "../../builder/roles/read-roles.ts";
import { Demo } from "../../demo/demo.ts";
import { attestMaster, stampGuests } from "../../demo/line/hub.ts";
import { buildImages, makeKeys } from "../../demo/line/manufacture.ts";
import { approveNode, pinnedEk } from "../../demo/line/workers.ts";
import { Reporter } from "../../demo/report.ts";
import { DEMO_HOME } from "../../demo/run-demo.ts";
import { GuestSlots } from "../attacks/slots.ts";
import { ANNOUNCED, OWN_ROLE, SERVICES, writeRolesSpec } from "./roles-spec.ts";

/** Two cores without KVM; a warm run takes about three minutes. */
const LIMIT_MS = 15 * 60_000;
const BOOT_SECONDS = 240;
/** Guests beside the master. */
const AT_ONCE = 2;

t.setTimeout(LIMIT_MS);

const work = mkdtempSync(join(tmpdir(), "kubedos-roles-"));
const roles = await readRoles();
const report = new Reporter();
const abort = new AbortController();
// Keys and images are the demo's own: what it built is not built again.
const demo = new Demo({ report, signal: abort.signal, home: DEMO_HOME, state: join(work, "state"), specFile: writeRolesSpec(work, roles) });
t.teardown(async () => {
  abort.abort();
  await demo.stop();
  // Ten images that nobody boots again; the cache has what they were made of.
  rmSync(demo.isBuilt ? demo.built.releaseDir : join(work, "release"), { recursive: true, force: true });
  rmSync(work, { recursive: true, force: true });
});

/** Everything that a guest wrote on its serial port. */
const said = async (name: string): Promise<string> => {
  const file = await demo.cluster.console(name);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
};

await report.phase("keys", "Making the cluster's keys and an operator", () => makeKeys(demo));
await report.phase("build", "Building an image of every role", () => buildImages(demo));

t.test("one release has every role, and says what they lack", async (t) => {
  const { images } = demo.built.release;
  t.same(images.map((image) => image.role), [...roles.map((role) => role.name), OWN_ROLE].sort());
  const missing = Object.fromEntries(images.flatMap((image) => (image.missing ?? []).map(({ program }) => [image.role, program])));
  t.same(missing, { cp: "Kubernetes", grafana: "Grafana", prometheus: "Loki", storage: "OpenZFS", worker: "Kubernetes" });
  const worker = images.find((image) => image.role === "worker");
  t.ok((worker?.disk.size ?? Number.POSITIVE_INFINITY) < 400e6, `a worker's image has ${((worker?.disk.size ?? 0) / 1e6).toFixed(0)} MB on disk`);
  for (const image of images) t.comment(`${image.role}: ${(image.disk.size / 1e6).toFixed(0)} MB`);
});

t.test("every role boots, attests as itself, and waits with its services stopped", async (t) => {
  await report.phase("stamp", "Stamping: a vTPM a node, its EK pinned", () => stampGuests(demo));
  await report.phase("boot-master", "Booting the master and attesting it", () => attestMaster(demo));
  await demo.hubJson(["window", "open", "--for", "1h", "--max", "32"]);
  const slots = new GuestSlots(AT_ONCE);
  // The one that needs longest begins first.
  const names = demo.built.spec.topology.nodes.map((node) => node.role).filter((role, i, all) => role !== "master" && all.indexOf(role) === i).sort((a) => (a === OWN_ROLE ? -1 : 0));
  await Promise.all(names.map((name) => slots.use(1, async () => {
    await demo.cluster.start(name);
    const node = await demo.untilState(pinnedEk(demo, name), ["pending"], BOOT_SECONDS);
    t.match(node, { role: name, anchor: "pinned", state: "pending" }, `${name} was measured as ${node.role} and waits in pending`);
    if (name === OWN_ROLE) await proveServices(t);
    await demo.cluster.guest(name).stop();
  })));
});

/** A role's services run between admission and revocation, and at no other time. */
async function proveServices(t: Test): Promise<void> {
  const says = async (what: string): Promise<true | null> => ((await said(OWN_ROLE)).includes(what) ? true : null);
  t.equal(await says(ANNOUNCED.started), null, "no service of the role before its admission");
  await approveNode(demo, OWN_ROLE);
  await demo.until("the role's services", 120, () => says(ANNOUNCED.started));
  const states = await demo.until("their states", 60, async () => {
    const [, after = ""] = (await said(OWN_ROLE)).split(ANNOUNCED.started);
    const lines = after.match(/\b(?:active|inactive|failed|activating)\b/g) ?? [];
    return lines.length >= SERVICES.length ? lines : null;
  });
  t.same(states.slice(0, SERVICES.length), SERVICES.map(() => "active"), `${SERVICES.join(", ")} run`);
  t.equal(await says(ANNOUNCED.stopped), null);
  // 7: the revocation holds, and the master's kernel, beside two booting guests, was slow to say so.
  const { code } = await demo.hub(["revoke", OWN_ROLE, "--reason", "of a test", "--yes"]);
  t.ok(code === 0 || code === 7, `revoked (exit code ${code})`);
  await demo.until("the role's services to end", 60, () => says(ANNOUNCED.stopped));
}
