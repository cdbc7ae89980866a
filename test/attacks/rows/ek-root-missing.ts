import { makeCa } from "../../fakes/ek-pki.ts";
import { certify } from "../../fakes/ek-machine.ts";
import { puppetAttack } from "../puppet-attack.ts";

/** A TPM that nobody stamped, with a flawless certificate for its EK by a maker that the cluster doesn't know. Anybody can be a maker. */
export const ekRootMissing = puppetAttack({
  name: "ek-root-missing",
  title: "an unstamped TPM whose EK certificate leads to a root that isn't configured",
  ci: true,
  async act(scene) {
    const { world, stage } = scene;
    const machine = await scene.boot({ slot: null });
    const show = (issuer: Parameters<typeof certify>[1]): void => {
      machine.ekCertificate = { certificate: certify(machine, issuer), chain: [] };
    };
    show(stage.maker);
    await scene.passes(machine, "with a certificate by a configured maker the same machine is believed");
    const believed = await world.node(machine.ekName);
    scene.prove("and stands in pending, anchored by its certificate", believed?.state === "pending" && believed.anchor === "certificate", `${believed?.state ?? "unknown"}, anchor ${believed?.anchor ?? "?"}`);

    show(makeCa("a maker that nobody configured"));
    await scene.passes(machine, "with one by an unknown maker its boot is believed, and nothing else");
    const node = await world.untilState(machine.ekName, ["unanchored"], 30);
    scene.prove("nobody vouches for it", node.anchor === "none", `anchor ${node.anchor}`);
    const plain = await world.hub(["approve", node.id, "--ek-name", node.ekName, "--slot", world.name, "--no-wait"]);
    scene.prove("a plain approval is refused", plain.code === 8 && plain.stderr.includes("UNANCHORED"), `exit code ${plain.code}`);
    const pending = await world.hub(["pending"]);
    scene.prove("pending says so in words", /unanchored/i.test(pending.stdout) && pending.stdout.includes(node.id.slice(0, 8)), `exit code ${pending.code}`);
    scene.proofs.push(...(await world.outside(world.name, machine.ekName)));
    return scene.outcome("EK_CERTIFICATE_UNTRUSTED", (await world.explain(machine.ekName)).text);
  },
});
