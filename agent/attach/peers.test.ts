import { generateKeyPairSync } from "node:crypto";
import t from "tap";
import { admit, approve, imageConfig, peer, rootPem, spkiOf } from "../../test/fakes/agent-case.ts";
import { makeIdentity, makeOperator, makePki } from "../../test/fakes/pki.ts";
import type { Admission, PlanePeer, PlaneUpdate } from "../../proto/gen/kubedos/v1/node.ts";
import { applyUpdate, type Here, type PeerMap } from "./peer-map.ts";
import { readAdmission } from "./read-admission.ts";
import { trustAt } from "./session.ts";

const EK = `000b${"ab".repeat(32)}`;
const pki = await makePki("demo");
const operator = await makeIdentity(pki, "operator", "alice");
const config = imageConfig(rootPem(pki), false);
const trust = trustAt(config, new Date());
const here: Here = { config, index: 5, trust };
const hub = peer(operator, "master-1", "master", 1, "192.168.100.1");
const worker = peer(operator, "w-2", "worker", 6);

const update = (epoch: bigint, serial: bigint, change: Partial<PlaneUpdate> = {}): PlaneUpdate => ({ epoch, serial, full: false, set: [], remove: [], ...change });
function apply(map: PeerMap | null, u: PlaneUpdate): PeerMap {
  const result = applyUpdate(map, u, here);
  if (result.t === "stale") throw new Error("stale");
  return result.map;
}
const names = (map: PeerMap): string[] => [...map.peers.values()].map((p) => p.name).sort();

t.test("full and delta", async (t) => {
  const one = apply(null, update(1n, 1n, { full: true, set: [hub] }));
  t.same(names(one), ["master-1"]);
  const two = apply(one, update(1n, 2n, { set: [worker] }));
  t.same(names(two), ["master-1", "w-2"]);
  t.same(names(apply(two, update(1n, 3n))), ["master-1", "w-2"], "an empty delta is not an empty set");
  t.same(names(apply(two, update(1n, 3n, { full: true }))), [], "an empty full one is");
  t.same(names(apply(two, update(1n, 9n, { remove: [worker.id] }))), ["master-1"], "serials may have gaps: others' changes");
  t.same(names(apply(two, update(2n, 1n, { full: true, set: [hub] }))), ["master-1"], "a new epoch begins again");
  t.same(names(one), ["master-1"], "the old map is as it was");
});

t.test("order", async (t) => {
  const map = apply(null, update(2n, 5n, { full: true, set: [hub, worker] }));
  for (const [name, u] of [
    ["an older epoch", update(1n, 9n, { full: true })],
    ["an older serial", update(2n, 4n, { remove: [hub.id] })],
    ["the same delta again", update(2n, 5n, { remove: [hub.id] })],
    ["an older full one", update(2n, 4n, { full: true })],
  ] as const) t.same(applyUpdate(map, u, here), { t: "stale" }, name);
  t.same(names(apply(map, update(2n, 5n, { full: true, set: [hub] }))), ["master-1"], "the same full one again is applied");
  t.throws(() => applyUpdate(null, update(1n, 1n), here), { code: "BAD_UPDATE" }, "a delta first");
  t.throws(() => applyUpdate(map, update(3n, 1n), here), { code: "BAD_UPDATE" }, "a delta of another epoch");
});

t.test("a peer is only set on an operator's word", async (t) => {
  const other = await makePki("demo");
  const foreign = await makeIdentity(other, "operator", "alice");
  const node = await makeIdentity(pki, "node", "w-2");
  const hubIdentity = await makeIdentity(pki, "hub", "master-1");
  const expired = await makeIdentity(pki, "operator", "bob", new Date("2021-01-01"));
  const watcher = await makeOperator(pki, "watcher", "read-only");
  const good = approve(operator, "w-2", "worker");
  const flipped = Buffer.from(good.envelope);
  flipped[flipped.length - 40]! ^= 1;
  const plane = (change: object): PlanePeer["planes"] => worker.planes.map((p, i) => (i === 0 ? { ...p, ...change } : p));
  const cases: [string, Partial<PlanePeer>, RegExp][] = [
    ["none", { approval: undefined }, /no operator's approval/],
    ["a foreign root's operator", { approval: approve(foreign, "w-2", "worker") }, /not an operator's word/],
    ["a node", { approval: approve(node, "w-2", "worker") }, /not an operator's word/],
    ["the hub itself", { approval: approve(hubIdentity, "w-2", "worker") }, /not an operator's word/],
    ["an operator whose certificate ended", { approval: approve(expired, "w-2", "worker") }, /not an operator's word/],
    ["an operator who may only see", { approval: approve(watcher, "w-2", "worker") }, /not an operator's word/],
    ["another's chain", { approval: { ...good, certificateChain: foreign.chain.map((c) => Buffer.from(c)) } }, /not an operator's word/],
    ["a flipped bit", { approval: { ...good, envelope: flipped } }, /not an operator's word/],
    ["another slot", { approval: approve(operator, "w-3", "worker") }, /for slot w-3/],
    ["another role", { approval: approve(operator, "w-2", "master") }, /for role master/],
    ["another cluster", { approval: approve(operator, "w-2", "worker", { cluster: "other" }) }, /for cluster other/],
    ["a role that the hub changed", { role: "master" }, /for role worker/],
    ["our own index", { index: 5, planes: worker.planes.map((p) => ({ ...p, address: p.address.replace(".6/", ".5/") })) }, /own index/],
    ["another's address", { planes: plane({ address: "10.78.0.7/32" }) }, /isn't its own/],
    ["the whole plane", { planes: plane({ address: "10.78.0.0/24" }) }, /isn't its own/],
    ["a plane that isn't", { planes: plane({ plane: "wg0" }) }, /doesn't exist/],
    ["twice in a plane", { planes: [...worker.planes, ...worker.planes.slice(0, 1)] }, /twice/],
    ["a short key", { planes: plane({ publicKey: "AAAA" }) }, /no Curve25519 key/],
    ["no base64", { planes: plane({ publicKey: "%" }) }, /no Curve25519 key/],
    ["the hub's key", { planes: plane({ publicKey: hub.planes[0]?.publicKey }) }, /has the key of master-1/],
    ["the hub's address", { index: 1, planes: worker.planes.map((p) => ({ ...p, address: p.address.replace(".6/", ".1/") })) }, /has the address of master-1/],
    ["a host name to dial", { planes: plane({ endpoint: "evil.example:51821" }) }, /has the endpoint/],
    ["another argument", { planes: plane({ endpoint: "10.0.0.1:51821 fwmark 1" }) }, /has the endpoint/],
    ["port 0", { planes: plane({ endpoint: "10.0.0.1:0" }) }, /has the endpoint/],
  ];
  const before = apply(null, update(1n, 1n, { full: true, set: [hub, worker] }));
  for (const [name, change, message] of cases) {
    const map = apply(before, update(1n, 2n, { set: [{ ...worker, ...change }] }));
    t.same(names(map), ["master-1"], `${name}: what was there under this id is gone`);
    t.match([...map.refused.values()], [{ code: "PEER_REFUSED", message }], name);
  }
});

t.test("a refused peer leaves the list when the hub mends it", async (t) => {
  const map = apply(null, update(1n, 1n, { full: true, set: [{ ...worker, approval: undefined }] }));
  t.equal(map.refused.size, 1);
  t.equal(apply(map, update(1n, 2n, { set: [worker] })).refused.size, 0);
});

t.test("an admission is taken only whole", async (t) => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const own = { config, ekName: EK, tlsSpki: spkiOf(privateKey) };
  const good = await admit(pki, operator, privateKey, EK);
  t.match(readAdmission(good, own, trust), { name: "w-1", index: 5, addresses: { wg1: "10.78.0.5/32", wg3: "10.80.0.5/32" } });
  const otherKey = await admit(pki, operator, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, EK);
  const foreign = await makePki("demo");
  const foreignNode = await admit(foreign, operator, privateKey, EK);
  const cases: [string, Partial<Admission>, string][] = [
    ["no approval", { approval: undefined }, "PEER_REFUSED"],
    ["another EK's approval", { approval: approve(operator, "w-1", "worker", { ekName: `000b${"cd".repeat(32)}` }) }, "PEER_REFUSED"],
    ["another slot's approval", { approval: approve(operator, "w-2", "worker", { ekName: EK }) }, "PEER_REFUSED"],
    ["another role's approval", { approval: approve(operator, "w-1", "master", { ekName: EK }) }, "PEER_REFUSED"],
    ["a name that the certificate hasn't", { name: "w-2", approval: approve(operator, "w-2", "worker", { ekName: EK }) }, "ADMISSION_REFUSED"],
    ["a certificate over another key", { certificateChain: otherKey.certificateChain }, "ADMISSION_REFUSED"],
    ["a foreign certificate", { certificateChain: foreignNode.certificateChain }, "ADMISSION_REFUSED"],
    ["no certificate", { certificateChain: [] }, "ADMISSION_REFUSED"],
    ["an index for another's address", { index: 6 }, "ADMISSION_REFUSED"],
    ["the broadcast address", { index: 255 }, "ADMISSION_REFUSED"],
    ["a plane less", { planes: good.planes.slice(1) }, "ADMISSION_REFUSED"],
    ["a plane twice", { planes: [...good.planes, ...good.planes.slice(0, 1)] }, "ADMISSION_REFUSED"],
    ["an id with a line break", { id: "a\nb" }, "ADMISSION_REFUSED"],
  ];
  for (const [name, change, code] of cases) t.throws(() => readAdmission({ ...good, ...change }, own, trust), { code }, name);
});
