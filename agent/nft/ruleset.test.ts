import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import { imageConfig } from "../../test/fakes/agent-case.ts";
import { Firewall } from "./firewall.ts";
import type { FirewallModel } from "./model.ts";
import { renderRuleset } from "./ruleset.ts";

function model(hub: boolean, change: Partial<FirewallModel> = {}): FirewallModel {
  const { planes, ports } = imageConfig("root", hub);
  return {
    stage: "base",
    hub,
    dhcp: hub ? ["eth0"] : [],
    hubEndpoint: hub ? null : { host: "192.168.100.1", port: 7443 },
    planes: planes.map(({ name, cidr, port }) => ({ name, cidr, port })),
    ports,
    wireguardPeers: hub ? [] : ["192.168.100.1"],
    probes: [],
    ...change,
  };
}

const models: Record<string, FirewallModel> = {
  "master-base": model(true),
  "master-admitted": model(true, { stage: "admitted" }),
  "worker-base": model(false),
  "worker-admitted": model(false, { stage: "admitted" }),
};
const golden = (name: string): URL => new URL(`../../test/golden/nft/${name}.nft`, import.meta.url);

/** The kernel's own judge, in a network namespace of its own; the text twice, since a ruleset replaces itself. */
function check(text: string): string {
  const unshare = process.getuid?.() === 0 ? ["-n"] : ["-rn"];
  const { status, stderr, error } = spawnSync("unshare", [...unshare, "nft", "-c", "-f", "-"], { input: text + text, encoding: "utf8" });
  if (error) throw new Error("this test needs unshare (util-linux) and nft (nftables)", { cause: error });
  return `${status} ${stderr}`;
}

t.test("golden files, and nft takes each", async (t) => {
  for (const [name, m] of Object.entries(models)) {
    const text = renderRuleset(m);
    if (process.env["KUBEDOS_GOLDEN"] === "write") writeFileSync(golden(name), text);
    t.equal(text, readFileSync(golden(name), "utf8"), name);
    t.equal(check(text), "0 ", name);
  }
});

t.test("before admission nothing of a plane or role is open", async (t) => {
  for (const name of ["master-base", "worker-base"]) t.notMatch(renderRuleset(models[name] ?? model(false)), /5182[123]|9100|4505|echo-request/, name);
});

t.test("a worker without a hub lets nothing out but answers", async (t) => {
  const out = renderRuleset(model(false, { hubEndpoint: null })).split("chain output")[1] ?? "";
  t.same(out.match(/^.*accept.*$/gm)?.map((line) => line.trim()), ['oifname "lo" accept', "ct state established,related accept"]);
});

t.test("the operators' port is never open on the LAN", async (t) => {
  for (const m of Object.values(models)) t.notMatch(renderRuleset(m), /iifname "eth0" tcp dport 7444/);
});

t.test("a spec's words can't end a comment", async (t) => {
  const what = 'x" accept; flush ruleset; # \n \\';
  const text = renderRuleset(model(false, { stage: "admitted", ports: [{ direction: "in", zone: "wg1", protocol: "tcp", port: 1, what }] }));
  t.match(text, 'tcp dport 1 accept comment "x accept flush ruleset   "\n');
  t.equal(check(text), "0 ");
});

t.test("probe holes name one address each", async (t) => {
  const text = renderRuleset(model(false, { stage: "admitted", probes: [{ zone: "lan", address: "192.168.100.1", port: 7444 }] }));
  t.match(text, 'oifname "eth0" ip daddr 192.168.100.1 tcp dport 7444 accept comment "probe"');
  t.equal(check(text), "0 ");
});

t.test("an equal ruleset isn't loaded again, a failed one is", async (t) => {
  const loaded: string[] = [];
  let fail = false;
  const run = async (_argv: readonly string[], stdin?: string): Promise<string> => {
    if (fail) throw new Error("nft said no");
    loaded.push(stdin ?? "");
    return "";
  };
  const firewall = new Firewall({ run }, model(false));
  await firewall.update({});
  await firewall.update({ stage: "base" });
  t.equal(loaded.length, 1);
  fail = true;
  await t.rejects(firewall.update({ stage: "admitted" }), { message: "nft said no" });
  fail = false;
  await firewall.update({});
  t.equal(loaded.length, 2);
});
