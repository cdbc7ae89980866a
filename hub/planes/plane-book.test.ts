import fc from "fast-check";
import t from "tap";
import { addressIn } from "./address.ts";
import type { Member } from "./member.ts";
import { peersFor } from "./peers.ts";
import { PlaneBook, type PlaneChange, type PlaneLink } from "./plane-book.ts";

const member = (n: number, hub = false, key = `k${n}`): Member => ({
  ...{ id: n.toString(16).padStart(12, "0"), name: `n-${n}`, role: "worker", index: n, hub },
  planes: [{ plane: "wg1", publicKey: key, address: `10.0.0.${n}/32`, endpoint: "" }],
  approval: { envelope: "", chain: [] },
});

/** A node that applies what it is told, as an agent does. */
class Node implements PlaneLink {
  readonly got: PlaneChange[] = [];
  peers = new Map<string, string>();

  send(change: PlaneChange): void {
    this.got.push(change);
    if (change.full) this.peers = new Map();
    for (const id of change.remove) this.peers.delete(id);
    for (const m of change.set) this.peers.set(m.id, m.planes[0]?.publicKey ?? "");
  }
}

t.test("addresses", async (t) => {
  t.equal(addressIn("10.78.0.0/24", 5), "10.78.0.5");
  t.equal(addressIn("10.78.0.0/16", 300), "10.78.1.44");
  t.equal(addressIn("10.78.0.77/24", 1), "10.78.0.1", "host bits don't shift the network");
  t.equal(addressIn("255.255.255.0/24", 254), "255.255.255.254");
  for (const [cidr, index] of [["10.0.0.0/24", 255], ["10.0.0.0/24", 256], ["10.0.0.0/24", 0], ["10.0.0.0/24", -1], ["10.0.0.0/24", 1.5], ["10.0.0.0/30", 3], ["10.0.0.0/32", 1]] as const) {
    t.throws(() => addressIn(cidr, index), { code: "PLANE_FULL" }, `${index} in ${cidr}`);
  }
});

t.test("hub-and-spoke", async (t) => {
  const [hub, a, b] = [member(1, true), member(2), member(3)];
  t.same(peersFor(hub, [b, hub, a]), [a, b]);
  t.same(peersFor(a, [hub, a, b]), [hub]);
  t.same(peersFor(a, [a, b]), []);
});

t.test("a join costs two messages, whatever the number of nodes", async (t) => {
  const book = new PlaneBook(1);
  const nodes = Array.from({ length: 500 }, () => new Node());
  nodes.forEach((node, i) => book.join(member(i + 1, i === 0), node));
  const before = nodes.reduce((n, node) => n + node.got.length, 0);
  const late = new Node();
  book.join(member(900), late);
  const after = nodes.reduce((n, node) => n + node.got.length, 0);
  t.equal(after - before, 1, "the hub's node alone hears of it");
  t.equal(late.got.length, 1);
  t.same(late.got[0]?.set.map((m) => m.name), ["n-1"], "and it of the hub's node alone");
  t.equal(late.got[0]?.full, true);
});

t.test("revoking the last peer is a removal, not an empty list", async (t) => {
  const book = new PlaneBook(1);
  const [hub, spoke] = [new Node(), new Node()];
  book.join(member(1, true), hub);
  book.join(member(2), spoke);
  t.same(book.remove(member(2).id), [member(1).id]);
  t.match(hub.got.at(-1), { full: false, set: [], remove: [member(2).id] });
  t.equal(hub.peers.size, 0);
});

t.test("a reconnect with the same keys flaps nobody; with other keys peers get the new ones", async (t) => {
  const book = new PlaneBook(1);
  const [hub, spoke, again] = [new Node(), new Node(), new Node()];
  book.join(member(1, true), hub);
  book.join(member(2), spoke);
  const heard = hub.got.length;
  book.leave(member(2).id, spoke);
  book.join(member(2), again);
  t.equal(hub.got.length, heard);
  book.leave(member(2).id, spoke);
  t.equal(book.serials(member(2).id)?.attached, true, "the old stream's late end is not the new one's");
  book.join(member(2, false, "other"), again);
  t.equal(hub.peers.get(member(2).id), "other");
});

t.test("a lost stream takes nobody's peers", async (t) => {
  const book = new PlaneBook(1);
  const [hub, spoke] = [new Node(), new Node()];
  book.join(member(1, true), hub);
  book.join(member(2), spoke);
  book.leave(member(2).id, spoke);
  t.equal(hub.peers.size, 1);
  t.same(book.members(), [member(1, true), member(2)]);
  t.equal(book.has(member(2).id), true);
});

t.test("acknowledgements", async (t) => {
  const book = new PlaneBook(7);
  const [hub, spoke] = [new Node(), new Node()];
  book.join(member(1, true), hub);
  book.join(member(2), spoke);
  const told = book.remove(member(2).id);
  book.ack(member(1).id, 6n, 99n);
  book.ack(member(1).id, 7n, 99n);
  t.same(await book.awaitAcks(told, book.serial, 20), { acknowledged: [], outstanding: ["n-1"] }, "neither another epoch nor a serial never sent counts");
  book.ack(member(1).id, 7n, BigInt(book.serial));
  t.same(await book.awaitAcks(told, book.serial, 5000), { acknowledged: ["n-1"], outstanding: [] });
});

t.test("in any order of joins, leaves and removals every live node has exactly its peers", async (t) => {
  const op = fc.record({ what: fc.constantFrom("join", "rekey", "leave", "remove"), n: fc.integer({ min: 1, max: 6 }) });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
      const book = new PlaneBook(1);
      const members = new Map<number, Member>();
      const links = new Map<number, Node>();
      for (const { what, n } of ops) {
        const link = links.get(n);
        if (what === "join" || what === "rekey") {
          const m = member(n, n === 1, what === "join" ? `k${n}` : `other${n}`);
          const node = new Node();
          members.set(n, m);
          links.set(n, node);
          book.join(m, node);
        } else if (what === "leave" && link !== undefined) {
          book.leave(member(n).id, link);
          links.delete(n);
        } else if (what === "remove") {
          book.remove(member(n).id);
          members.delete(n);
          links.delete(n);
        }
        for (const [k, node] of links) {
          const own = members.get(k);
          const wanted = own === undefined ? [] : peersFor(own, members.values()).map((m) => [m.id, m.planes[0]?.publicKey]);
          if (JSON.stringify([...node.peers].sort()) !== JSON.stringify(wanted)) return false;
        }
      }
      return [...links.values()].every((node) => node.got.every((c, i) => i === 0 || c.serial > (node.got[i - 1]?.serial ?? 0)));
    }),
    { numRuns: 500 },
  );
  t.pass();
});
