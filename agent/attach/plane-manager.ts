import type { PlaneUpdate } from "../../proto/gen/kubedos/v1/node.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { OperatorTrust } from "../../proto/release/operator-statement.ts";
import type { NodeKeys } from "../boot/node-keys.ts";
import type { Firewall } from "../nft/firewall.ts";
import type { Ports } from "../ports.ts";
import { createSerialize, type Serialize } from "../serialize.ts";
import { RoleServices } from "../services/role-services.ts";
import type { PlaneStatus } from "../status/status.ts";
import type { StatusBoard } from "../status/status-board.ts";
import { applyWireguard } from "../wg/apply.ts";
import { observeWireguard } from "../wg/observe.ts";
import type { ObservedInterface } from "../wg/observed.ts";
import { planWireguard } from "../wg/plan.ts";
import { desiredPlanes } from "./desired-planes.ts";
import { applyUpdate, type PeerMap, type VerifiedPeer } from "./peer-map.ts";
import type { NodePlace } from "./read-admission.ts";
import { forgetPlace, storePlace } from "./stored-place.ts";

/** What the manager works on. */
export interface PlaneManagerOptions {
  readonly ports: Ports;
  readonly config: ImageConfig;
  readonly keys: NodeKeys;
  readonly firewall: Firewall;
  readonly status: StatusBoard;
  readonly bootId: string;
  /** The hub's address from the hint, which WireGuard may dial before any peer says so. */
  readonly hubHost: string | null;
  /** From an earlier life of the agent in this boot. */
  readonly place: NodePlace | null;
}

/** Holds the peers and keeps kernel and firewall equal to them. Without a place there are no planes. */
export class PlaneManager {
  readonly #o: PlaneManagerOptions;
  readonly #serialize: Serialize = createSerialize();
  readonly #services: RoleServices;
  #place: NodePlace | null;
  #map: PeerMap | null = null;
  #adrift = false;
  /** Whether the kernel was brought to what `#adrift` asks for. */
  #settled = true;

  constructor(options: PlaneManagerOptions) {
    this.#o = options;
    this.#services = new RoleServices(options.ports);
    this.#place = options.place;
  }

  /** Where this node is; null before admission. */
  get place(): NodePlace | null {
    return this.#place;
  }

  /** Peers that are in use; none while adrift. */
  get peers(): readonly VerifiedPeer[] {
    return this.#adrift ? [] : [...(this.#map?.peers.values() ?? [])];
  }

  /** Whether all peers were dropped because the horizon is over. */
  get adrift(): boolean {
    return this.#adrift;
  }

  /** The interfaces come up; peers follow with the first update. Those of an earlier life stay until then. */
  async admit(place: NodePlace): Promise<void> {
    await this.#serialize(async () => {
      this.#place = place;
      await storePlace(this.#o.ports.files, this.#o.bootId, place);
      await this.#o.firewall.update({ stage: "admitted", wireguardPeers: this.#dialled() });
      const observed = await observeWireguard(this.#o.ports.runner);
      const keep = observed.length > 0 && this.#map === null && !this.#adrift;
      if (!keep) await this.#reconcile(observed);
    });
  }

  /** Takes an update to the kernel. False: it was older than what is known. Throws {@link AgentError} `BAD_UPDATE` or `COMMAND_FAILED`. */
  async update(update: PlaneUpdate, trust: OperatorTrust): Promise<boolean> {
    return await this.#serialize(async () => {
      if (this.#place === null) return false;
      const result = applyUpdate(this.#map, update, { config: this.#o.config, index: this.#place.index, trust });
      if (result.t === "stale") return false;
      const before = this.#map;
      this.#map = result.map;
      try {
        // New endpoints must pass the firewall before WireGuard dials them.
        await this.#o.firewall.update({ wireguardPeers: this.#dialled() });
        await this.#reconcile(await observeWireguard(this.#o.ports.runner));
      } catch (error) {
        // Not acknowledged: the same update may come again.
        this.#map = before;
        throw error;
      }
      this.#o.status.update({ refusedPeers: [...result.map.refused.values()] });
      return true;
    });
  }

  /**
   * Drops all peers from the kernel, or sets those of the newest update again. What the hub says meanwhile is kept and
   * not used. Throws {@link AgentError} `COMMAND_FAILED`; the same call again then does the rest.
   */
  async setAdrift(adrift: boolean): Promise<void> {
    await this.#serialize(async () => {
      if (this.#adrift === adrift && this.#settled) return;
      this.#adrift = adrift;
      this.#settled = false;
      // Coming back, endpoints must pass the firewall before WireGuard dials them; going, nothing is asked before the peers.
      if (!adrift) await this.#o.firewall.update({ wireguardPeers: this.#dialled() });
      await this.#reconcile(await observeWireguard(this.#o.ports.runner));
      if (adrift) await this.#o.firewall.update({ wireguardPeers: this.#dialled() });
      this.#settled = true;
    });
  }

  /** The hub took the identity back: no interface, no peer, the firewall as before admission, and no service of the role. */
  async takeDown(): Promise<void> {
    await this.#serialize(async () => {
      this.#place = null;
      this.#map = null;
      this.#adrift = false;
      this.#settled = true;
      await forgetPlace(this.#o.ports.files);
      await this.#o.firewall.update({ stage: "base", wireguardPeers: [], probes: [] });
      const ops = planWireguard(await observeWireguard(this.#o.ports.runner), []);
      await applyWireguard(this.#o.ports.runner, ops, () => "");
      this.#o.status.update({ planes: [], refusedPeers: [] });
      await this.#services.stop();
    });
  }

  /** The planes are up: what the role is for may start. */
  async serve(): Promise<void> {
    await this.#serialize(async () => {
      if (this.#place !== null) await this.#services.start();
    });
  }

  /** Reads the kernel's view into the status. */
  async refresh(): Promise<void> {
    await this.#serialize(() => this.#show());
  }

  async #reconcile(observed: readonly ObservedInterface[]): Promise<void> {
    const { runner } = this.#o.ports;
    const place = this.#place;
    if (place === null) return;
    const desired = desiredPlanes({ config: this.#o.config, keys: this.#o.keys, place, peers: this.peers });
    const ops = planWireguard(observed, desired);
    await applyWireguard(runner, ops, (dev) => Object.entries(this.#o.keys.wireguard).find(([name]) => name === dev)?.[1].privateKey ?? "");
    await this.#show();
  }

  async #show(): Promise<void> {
    const place = this.#place;
    if (place === null) return;
    const observed = await observeWireguard(this.#o.ports.runner);
    const now = this.#o.ports.clock.now().getTime() / 1000;
    const planes = this.#o.config.planes.map(({ name }): PlaneStatus => {
      const link = observed.find((o) => o.name === name);
      const address = place.addresses[name];
      const peers = (link?.peers ?? []).map((p) => ({
        name: this.peers.find((v) => v.planes.some((e) => e.plane === name && e.publicKey === p.publicKey))?.name ?? "?",
        publicKey: p.publicKey,
        allowedIps: p.allowedIps,
        endpoint: p.endpoint,
        handshakeAge: p.latestHandshake === 0 ? null : Math.max(0, Math.round(now - p.latestHandshake)),
        rxBytes: p.rxBytes,
        txBytes: p.txBytes,
      }));
      return { name, address, up: link?.up === true && link.addresses.includes(address), peers };
    });
    this.#o.status.update({ planes });
  }

  #dialled(): readonly string[] {
    const endpoints = this.peers.flatMap((p) => p.planes.map((e) => e.endpoint?.split(":")[0]));
    return [...new Set([this.#o.hubHost, ...endpoints])].filter((host) => host !== null && host !== undefined).sort();
  }
}
