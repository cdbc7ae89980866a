import type { Argv, Runner } from "../../agent/ports.ts";
import { makeWireguardKey } from "../../agent/boot/node-keys.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";

interface Peer {
  endpoint: string;
  allowedIps: string;
  keepalive: string;
}

interface Link {
  privateKey: string;
  listenPort: number;
  mtu: number;
  up: boolean;
  addresses: string[];
  routes: string[];
  peers: Map<string, Peer>;
}

/**
 * As much of `nft`, `ip` and `wg` as the agent uses, over state that outlives an agent. Anything else, also an argument
 * that it doesn't know, is an error: so a test sees each new command.
 */
export class FakeKernel {
  ruleset = "";
  readonly links = new Map<string, Link>();
  /** Lines of `ip -batch` that aren't about WireGuard, each once. */
  readonly lan = new Set<string>();
  readonly commands: string[] = [];
  readonly units: string[] = [];

  runner(): Runner {
    return { run: async (argv, stdin) => this.#run(argv, stdin ?? "") };
  }

  #run(argv: Argv, stdin: string): string {
    const text = argv.join(" ");
    this.commands.push(text);
    if (text === "nft -f -") {
      this.ruleset = stdin;
      return "";
    }
    if (text === "ip -batch -") {
      for (const line of stdin.trimEnd().split("\n")) this.#ip(line);
      return "";
    }
    if (text === "wg show all dump") return this.#dump();
    if (text === "ip -j address show") return JSON.stringify([...this.links].map(([ifname, l]) => addressJson(ifname, l)));
    if (text === "ip -j -4 route show") return JSON.stringify([...this.links].flatMap(([dev, l]) => l.routes.map((dst) => ({ dst, dev, scope: "link" }))));
    if (argv[0] === "wg" && argv[1] === "set") {
      this.#set(argv.slice(2), stdin);
      return "";
    }
    if (argv[0] === "systemctl") {
      this.units.push(argv.slice(1).join(" "));
      return "";
    }
    if (argv[0] === "ping") return "64 bytes from 10.78.0.1: icmp_seq=1 ttl=64 time=1.25 ms\n";
    throw new Error(`the fake kernel doesn't know: ${text}`);
  }

  #ip(line: string): void {
    const w = line.split(" ");
    const dev = w[w.indexOf("dev") + 1] ?? "";
    const link = this.links.get(dev);
    if (line === `link add dev ${dev} type wireguard` && link === undefined) {
      this.links.set(dev, { privateKey: "", listenPort: 40000, mtu: 1420, up: false, addresses: [], routes: [], peers: new Map() });
    } else if (link === undefined) {
      if (!dev.startsWith("eth")) throw new Error(`Cannot find device: ${line}`);
      this.lan.add(line);
    } else if (w[0] === "link" && w[1] === "delete") this.links.delete(dev);
    else if (w[0] === "link" && w[1] === "set") Object.assign(link, { mtu: Number(w[5]), up: w[6] === "up" });
    else if (w[0] === "address" && w[1] === "replace") link.addresses = [...new Set([...link.addresses, w[2] ?? ""])];
    else if (w[0] === "address" && w[1] === "delete") link.addresses = link.addresses.filter((a) => a !== w[2]);
    else if (w[0] === "route" && w[1] === "replace") link.routes = [...new Set([...link.routes, w[2] ?? ""])];
    else throw new Error(`the fake kernel doesn't know: ip ${line}`);
  }

  #set(args: readonly string[], stdin: string): void {
    const link = this.links.get(args[0] ?? "");
    if (link === undefined) throw new Error(`Unable to modify interface: ${args[0]}`);
    let key = "";
    for (let i = 1; i < args.length; i++) {
      const value = args[i + 1] ?? "";
      const peer = link.peers.get(key);
      if (args[i] === "private-key" && value === "/dev/stdin") link.privateKey = stdin.trim();
      else if (args[i] === "listen-port") link.listenPort = Number(value);
      else if (args[i] === "peer") {
        key = value;
        if (!link.peers.has(key)) link.peers.set(key, { endpoint: "(none)", allowedIps: "(none)", keepalive: "off" });
      } else if (args[i] === "remove") {
        link.peers.delete(key);
        continue;
      } else if (args[i] === "endpoint" && peer) peer.endpoint = value;
      else if (args[i] === "persistent-keepalive" && peer) peer.keepalive = value === "0" ? "off" : value;
      else if (args[i] === "allowed-ips" && peer) peer.allowedIps = value;
      else throw new Error(`wg set doesn't know ${args[i]}`);
      i++;
    }
  }

  #dump(): string {
    const lines = [...this.links].flatMap(([dev, l]) => [
      [dev, l.privateKey || "(none)", l.privateKey === "" ? "(none)" : makeWireguardKey(fromBase64(l.privateKey)).publicKey, l.listenPort, "off"],
      ...[...l.peers].map(([key, p]) => [dev, key, "(none)", p.endpoint, p.allowedIps, 0, 0, 0, p.keepalive]),
    ]);
    return lines.map((fields) => `${fields.join("\t")}\n`).join("");
  }
}

function addressJson(ifname: string, l: Link) {
  const addr_info = l.addresses.map((a) => ({ family: "inet", local: a.split("/")[0], prefixlen: Number(a.split("/")[1]) }));
  return { ifname, mtu: l.mtu, flags: l.up ? ["UP", "LOWER_UP"] : [], addr_info };
}
