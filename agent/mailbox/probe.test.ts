import t from "tap";
import { imageConfig, peer } from "../../test/fakes/agent-case.ts";
import { AgentWorld } from "../../test/fakes/agent-world.ts";
import { makeIdentity, makePki } from "../../test/fakes/pki.ts";
import type { VerifiedPeer } from "../attach/peer-map.ts";
import { Firewall } from "../nft/firewall.ts";
import { probePlanes } from "./probe.ts";

const pki = await makePki("demo");
const operator = await makeIdentity(pki, "operator", "alice");
const verified = (name: string, n: number, endpoint = ""): VerifiedPeer => {
  const p = peer(operator, name, name === "master-1" ? "master" : "worker", n, endpoint);
  const planes = p.planes.map((e) => ({ ...e, plane: e.plane as "wg1", endpoint: e.endpoint === "" ? null : e.endpoint }));
  return { id: p.id, name, role: p.role, planes };
};

function setUp(hub: boolean) {
  const config = imageConfig("root", hub);
  const world = new AgentWorld(config, "a4852c21-6df1-4148-ba93-00485be83aaf");
  const ports = world.ports(new AbortController());
  const base = { stage: "admitted", hub, dhcp: [], hubEndpoint: null, planes: config.planes, ports: [], wireguardPeers: [], probes: [] } as const;
  return { world, ports, firewall: new Firewall(ports.runner, base) };
}

t.test("a spoke pings its peers and knocks at the hub, through holes that are closed again", async (t) => {
  const { world, ports, firewall } = setUp(false);
  const rulesets: string[] = [];
  const tcp = { connect: async (host: string, port: number) => (rulesets.push(world.kernel.ruleset), port === 7444 && host === "10.78.0.1" ? "open" : "filtered") as "open" | "filtered" };
  const answer = await probePlanes({ ...ports, tcp }, firewall, [verified("master-1", 1, "192.168.100.1")], 3);
  t.same(answer, {
    id: 3,
    planes: ["wg1", "wg2", "wg3"].map((plane, i) => ({ peer: "master-1", plane, address: `10.${78 + i}.0.1`, ping: true, ms: 1.25 })),
    tcp: [
      { zone: "lan", address: "192.168.100.1", port: 7444, outcome: "filtered" },
      { zone: "wg1", address: "10.78.0.1", port: 7444, outcome: "open" },
    ],
  });
  t.match(rulesets[0], /oifname "eth0" ip daddr 192\.168\.100\.1 tcp dport 7444 accept comment "probe"/);
  t.notMatch(world.kernel.ruleset, /probe/, "closed again");
});

t.test("the hub only pings", async (t) => {
  const { world, ports, firewall } = setUp(true);
  const answer = await probePlanes(ports, firewall, [verified("w-2", 6), verified("w-1", 5)], 1);
  t.same(answer.planes.map((p) => `${p.plane} ${p.peer}`), ["wg1 w-1", "wg1 w-2", "wg2 w-1", "wg2 w-2", "wg3 w-1", "wg3 w-2"]);
  t.same(answer.tcp, []);
  t.same(world.kernel.commands[0], "ping -n -c1 -W2 10.78.0.5");
});

t.test("no answer is an answer", async (t) => {
  const { ports, firewall } = setUp(true);
  const deaf = { ...ports, runner: { run: async () => Promise.reject(new Error("exit code 1")) } };
  t.match((await probePlanes(deaf, firewall, [verified("w-1", 5)], 1)).planes[0], { ping: false, ms: null });
});

t.test("holes close also when knocking fails", async (t) => {
  const { world, ports, firewall } = setUp(false);
  const broken = { ...ports, tcp: { connect: async () => Promise.reject(new Error("no sockets left")) } };
  await t.rejects(probePlanes(broken, firewall, [verified("master-1", 1, "192.168.100.1")], 1));
  t.notMatch(world.kernel.ruleset, /probe/);
});
