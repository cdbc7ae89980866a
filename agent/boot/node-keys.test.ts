import t from "tap";
import { certificatesFromPem } from "../../proto/pki/pem.ts";
import { verifySelfSigned } from "../../proto/pki/verify.ts";
import { imageConfig } from "../../test/fakes/agent-case.ts";
import { AgentWorld } from "../../test/fakes/agent-world.ts";
import { loadNodeKeys } from "./node-keys.ts";

const BOOT_ID = "a4852c21-6df1-4148-ba93-00485be83aaf";
const DAY_MS = 86_400_000;
const epoch = 1_760_000_000;

t.test("a hub takes the node's own certificate whichever of the two clocks is behind", async (t) => {
  const { clock, entropy, files } = new AgentWorld(imageConfig("root", false), BOOT_ID).ports(new AbortController());
  const judged = async (nodeMs: number, hubMs: number): Promise<Uint8Array> => {
    const at = { ...clock, now: () => new Date(nodeMs) };
    await files.remove("/run/kubedos/keys.json");
    const { certificate, tlsSpki } = await loadNodeKeys({ files, clock: at, entropy, bootId: BOOT_ID, epoch, fork: "" });
    t.same(verifySelfSigned(certificatesFromPem(certificate)[0] ?? new Uint8Array(), new Date(hubMs)).spki, tlsSpki);
    return tlsSpki;
  };
  const now = epoch * 1000 + 100 * DAY_MS;
  await judged(now, now);
  await judged(now + 30 * DAY_MS, now);
  await judged(now - 30 * DAY_MS, now);
  await judged(0, now);
  await t.rejects(judged(now, now + 366 * DAY_MS), { code: "EXPIRED" }, "its end stays");
  await t.rejects(judged(now, epoch * 1000 - 1000), { code: "NOT_YET_VALID" }, "and no clock before the image counts");
});
