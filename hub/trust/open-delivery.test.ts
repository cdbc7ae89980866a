import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { memoryFloor } from "../../test/fakes/memory-floor.ts";
import { makePki } from "../../test/fakes/pki.ts";
import { PINS_TYPE } from "../../proto/release/pins.ts";
import { RELEASE_TYPE } from "../../proto/release/release.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { Store } from "../db/store.ts";
import { loadIssuerKeys, spkiOf } from "../pki/issuer-keys.ts";
import { acceptTrust } from "./accept-trust.ts";
import { openDelivery } from "./open-delivery.ts";
import { ReleaseBook } from "./release-book.ts";
import { ReleaseFloor } from "./release-floor.ts";

const world = await HubWorld.make();
t.teardown(() => world.remove());
const EK = `000b${"ab".repeat(32)}`;
world.pin("w-1", EK);
const keys = loadIssuerKeys({ lasting: world.dir, run: world.dir });
const question = { image: world.image, issuers: { hub: spkiOf(keys.hub), node: spkiOf(keys.node) }, now: new Date() };

type Spoil = Parameters<HubWorld["deliver"]>;
const delivered = async (...spoil: Spoil): Promise<Uint8Array> => {
  await world.deliver(...spoil);
  return new Uint8Array(readFileSync(join(world.dir, "delivery.json")));
};

t.test("a good delivery", async (t) => {
  const trust = openDelivery(await delivered(), question);
  t.equal(trust.hubSlot, "master");
  t.equal(trust.byEk.get(EK)?.name, "w-1");
  t.equal(trust.releases.length, 1);
});

t.test("near misses", async (t) => {
  const foreignKey = generateKeyPairSync("ed25519").privateKey;
  const pins = (slots: typeof world.slots, key = world.releaseKey) =>
    toBase64(world.sign(PINS_TYPE, { kind: "kubedos/pins", version: 1, cluster: "demo", serial: 9, slots }, key));
  const [master, w1, ...rest] = world.slots;
  if (master === undefined || w1 === undefined) throw new Error("no slots");
  const otherWorld = join(world.dir, "other");
  mkdirSync(otherWorld);
  const otherKeys = loadIssuerKeys({ lasting: otherWorld, run: otherWorld });
  const nodeIssuer = toBase64(world.pki.issuers.node.certificate);
  const cases: readonly [string, string, ...Spoil][] = [
    ["signed by another key", "BAD_DELIVERY", {}, { key: foreignKey }],
    ["a release by another key", "BAD_DELIVERY", { releases: [toBase64(world.sign(RELEASE_TYPE, world.release, foreignKey))] }],
    ["pins by another key", "BAD_DELIVERY", { pins: pins(world.slots, foreignKey) }],
    ["pins passed off as a release", "BAD_DELIVERY", { releases: [pins(world.slots)] }],
    ["a release of another cluster", "BAD_DELIVERY", { releases: [toBase64(world.sign(RELEASE_TYPE, { ...world.release, cluster: "other" }))] }],
    ["a delivery for another cluster", "BAD_DELIVERY", { cluster: "other" }],
    ["a hub slot that isn't there", "BAD_DELIVERY", { slot: "w-9" }],
    ["one name twice", "BAD_DELIVERY", { pins: pins([master, w1, { ...w1, index: 9, ekName: null }, ...rest]) }],
    ["one index twice", "BAD_DELIVERY", { pins: pins([master, w1, { ...w1, name: "w-9", ekName: null }, ...rest]) }],
    ["one EK twice", "BAD_DELIVERY", { pins: pins([master, w1, { ...w1, name: "w-9", index: 9 }, ...rest]) }],
    ["issuers under another root", "WRONG_ISSUER", {}, { pki: await makePki("demo") }],
    ["a node issuer over another key", "WRONG_ISSUER", { nodeIssuer }],
    ["the node issuer as hub issuer", "WRONG_ISSUER", { hubIssuer: nodeIssuer }],
    ["the node issuer as operator issuer: a hub that makes operators", "WRONG_ISSUER", { operatorIssuer: nodeIssuer }],
  ];
  for (const [name, code, ...spoil] of cases) {
    const data = await delivered(...spoil);
    t.throws(() => openDelivery(data, question), { code }, name);
  }
  const good = await delivered();
  t.throws(() => openDelivery(good, { ...question, issuers: { hub: spkiOf(otherKeys.hub), node: spkiOf(otherKeys.node) } }), { code: "WRONG_ISSUER" }, "another boot's delivery");
  t.throws(() => openDelivery(good.subarray(0, -1), question), { code: "BAD_DELIVERY" }, "cut off");
  t.throws(() => openDelivery(new Uint8Array(), question), { code: "BAD_DELIVERY" }, "empty");
});

t.test("issuer keys are read back, and only their public halves are shown", async (t) => {
  const again = loadIssuerKeys({ lasting: world.dir, run: world.dir });
  t.same(spkiOf(again.hub), spkiOf(keys.hub), "a restart within the boot finds them");
  t.same([again.storeKey, again.bootKey], [keys.storeKey, keys.bootKey]);
  t.notMatch(readFileSync(join(world.dir, "issuers.json"), "utf8"), /PRIVATE/);
});

t.test("serials and generations never fall", async (t) => {
  const store = new Store(":memory:", { wallMs: () => Date.now(), ...keys });
  t.teardown(() => store.close());
  const releases = new ReleaseBook(store, world.image, await ReleaseFloor.open(memoryFloor(), store, "demo"));
  const options = { store, releases, cluster: "demo", rootCa: world.image.rootCa, nowMs: Date.now() };
  const open = async (...spoil: Spoil) => openDelivery(await delivered(...spoil), question);
  const release = (generation: number) => ({ releases: [toBase64(world.sign(RELEASE_TYPE, { ...world.release, generation, id: String(generation).padStart(16, "0") }))] });
  await acceptTrust(await open(release(3), { pins: { serial: 10 } }), options);
  await acceptTrust(await open(release(3), { pins: { serial: 10 } }), options);
  const older = await open(release(3), { pins: { serial: 9 } });
  await t.rejects(acceptTrust(older, options), { code: "ROLLED_BACK" }, "older pins");
  const rolledBack = await open(release(2), { pins: { serial: 11 } });
  await t.rejects(acceptTrust(rolledBack, options), { code: "ROLLED_BACK" }, "an older release");
  t.equal(store.meta.counter("pins_serial"), 10, "and nothing of a refused one counts");
  const forged = world.approval(EK, "w-1", {}, { ...world.operator, key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey });
  world.approvals = [forged];
  const withForged = await open(release(3), { pins: { serial: 12 } });
  await t.rejects(acceptTrust(withForged, options), { code: "BAD_DELIVERY" }, "an approval that no operator signed");
});
