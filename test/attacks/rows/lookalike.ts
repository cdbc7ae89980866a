import type { Attack } from "../attack.ts";

/** Anybody's laptop runs a software TPM and has the image: all is right but that nobody stamped it. */
export const lookalike: Attack = {
  name: "lookalike",
  title: "the right image on a TPM that nobody stamped",
  ci: true,
  async run(world) {
    const guest = await world.start(world.name, { identity: "foreign" });
    const ekName = await guest.untilEk();
    const node = await world.untilState(ekName, ["unanchored"], 90);
    const refused = await world.hub(["approve", node.id, "--ek-name", ekName, "--slot", world.name, "--no-wait"]);
    const { text } = await world.explain(ekName);
    const after = await world.node(ekName);
    const code = /\b(UNANCHORED)\b/.exec(refused.stderr)?.[1] ?? "-";
    return {
      end: "outside",
      code,
      explanation: text,
      proofs: [
        ...(await world.outside(world.name, ekName, guest)),
        { what: "a plain approval of it is refused, its EK typed and all", held: refused.code === 8 && code === "UNANCHORED", detail: `exit code ${refused.code}` },
        { what: "and it still stands there as unanchored", held: after?.state === "unanchored", detail: after?.state ?? "unknown" },
      ],
      image: guest.image,
      serial: await guest.serial(),
    };
  },
};
