import t from "tap";
import { LocalStage } from "./puppet-local.ts";
import { PROTOCOL_ATTACKS } from "./rows/protocol.ts";

// The attacks that need no guest, against a hub in this process. In the matrix the same code meets the hub in its own guest.

t.setTimeout(120_000);
const stage = await LocalStage.open(PROTOCOL_ATTACKS.flatMap((attack) => attack.slots ?? [attack.name]));
t.teardown(() => stage.close());

for (const attack of PROTOCOL_ATTACKS) {
  t.test(`${attack.name}: ${attack.title}`, async (t) => {
    const outcome = await attack.play(stage.attackWorld(attack.name), stage.stage());
    for (const { what, held, detail } of outcome.proofs) t.ok(held, `${what} (${detail})`);
    t.match(outcome.explanation, outcome.code, "the explanation names the code");
  });
}
