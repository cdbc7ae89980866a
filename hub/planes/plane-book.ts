import { equalBytes } from "../../proto/wire/bytes.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import type { Member } from "./member.ts";
import { arePeers, peersFor } from "./peers.ts";

/** One update for one node; see PlaneUpdate in node.proto. */
export interface PlaneChange {
  readonly epoch: number;
  readonly serial: number;
  readonly full: boolean;
  readonly set: readonly Member[];
  readonly remove: readonly string[];
}

/** A live stream of a member. */
export interface PlaneLink {
  send(change: PlaneChange): void;
}

/** Who answered a change in time, by name. */
export interface AckResult {
  readonly acknowledged: readonly string[];
  readonly outstanding: readonly string[];
}

interface Entry {
  readonly member: Member;
  link: PlaneLink | null;
  sent: number;
  applied: number;
}

/**
 * Who is in the planes and what each was told. A join or a leave costs one message for each node whose peers change:
 * with hub-and-spoke two, whatever the number of nodes. A lost stream changes nobody's peers: members go by `remove`,
 * which the caller owes whose lease ends. Not persistent.
 */
export class PlaneBook {
  readonly epoch: number;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Set<() => void>();
  #hubId: string | null = null;
  #serial = 0;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  get serial(): number {
    return this.#serial;
  }

  /** A member of before a restart: in the planes, without a stream. */
  restore(member: Member): void {
    this.#put({ member, link: null, sent: 0, applied: 0 });
  }

  /** Takes a node in, or on with a new stream: it gets all its peers, and peers that knew other keys of it get a delta. */
  join(member: Member, link: PlaneLink): void {
    const before = this.#entries.get(member.id)?.member;
    const entry: Entry = { member, link, sent: 0, applied: 0 };
    this.#put(entry);
    this.#serial++;
    this.#send(entry, { full: true, set: peersFor(member, this.#peersOf(member)), remove: [] });
    if (before !== undefined && sameMember(before, member)) return;
    for (const peer of this.#peerEntries(member)) this.#send(peer, { full: false, set: [member], remove: [] });
  }

  /** Its stream ended; peers keep it. An older stream that ends late changes nothing. */
  leave(id: string, link: PlaneLink): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.link !== link) return;
    entry.link = null;
    this.#wake();
  }

  /** Takes a node out now. Returns the ids of its peers with a live stream, which were told with the serial of now. */
  remove(id: string): readonly string[] {
    const entry = this.#entries.get(id);
    if (entry === undefined) return [];
    this.#entries.delete(id);
    if (this.#hubId === id) this.#hubId = null;
    this.#serial++;
    const told = this.#peerEntries(entry.member).filter((peer) => peer.link !== null);
    for (const peer of told) this.#send(peer, { full: false, set: [], remove: [id] });
    this.#wake();
    return told.map((peer) => peer.member.id);
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  member(id: string): Member | null {
    return this.#entries.get(id)?.member ?? null;
  }

  /** Everybody in the planes, with a stream or without. */
  members(): readonly Member[] {
    return [...this.#entries.values()].map((e) => e.member);
  }

  ack(id: string, epoch: bigint, serial: bigint): void {
    const entry = this.#entries.get(id);
    // The number comes from the node: never above what it was sent.
    if (entry === undefined || epoch !== BigInt(this.epoch) || serial > BigInt(entry.sent)) return;
    entry.applied = Math.max(entry.applied, Number(serial));
    this.#wake();
  }

  /** Waits until these nodes have applied `serial`, at most `timeoutMs`; one whose stream broke counts as outstanding. */
  async awaitAcks(ids: readonly string[], serial: number, timeoutMs: number): Promise<AckResult> {
    const pending = (id: string): boolean => (this.#entries.get(id)?.applied ?? 0) < serial;
    const names = new Map(ids.map((id) => [id, this.#entries.get(id)?.member.name ?? id]));
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      const check = (): void => {
        if (!ids.some(pending)) done();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(check);
      check();
    });
    const name = (id: string): string => names.get(id) ?? id;
    return { acknowledged: ids.filter((id) => !pending(id)).map(name), outstanding: ids.filter(pending).map(name) };
  }

  /** Last serial sent to a node and last one it has applied; null where it is no member. */
  serials(id: string): { readonly sent: number; readonly applied: number; readonly attached: boolean } | null {
    const entry = this.#entries.get(id);
    return entry === undefined ? null : { sent: entry.sent, applied: entry.applied, attached: entry.link !== null };
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.member.id, entry);
    if (entry.member.hub) this.#hubId = entry.member.id;
  }

  #send(entry: Entry, change: Pick<PlaneChange, "full" | "set" | "remove">): void {
    if (entry.link === null) return;
    entry.sent = this.#serial;
    entry.link.send({ ...change, epoch: this.epoch, serial: this.#serial });
  }

  /** Entries that have `member` as peer: all others for the hub, the hub alone for a spoke. */
  #peerEntries(member: Member): readonly Entry[] {
    if (member.hub) return [...this.#entries.values()].filter((e) => arePeers(e.member, member));
    const hub = this.#hubId === null ? undefined : this.#entries.get(this.#hubId);
    return hub === undefined ? [] : [hub];
  }

  #peersOf(member: Member): readonly Member[] {
    return this.#peerEntries(member).map((e) => e.member);
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}

function sameMember(a: Member, b: Member): boolean {
  return equalBytes(canonicalJson(a), canonicalJson(b));
}
