import { dnsLabel } from "../../proto/wire/text.ts";
import { BuildError } from "../error.ts";

/** How many nodes of a role are wanted. */
export interface RoleCount {
  readonly role: string;
  readonly count: number;
}

const MAX_NODES = 4096;

/** "master=1,etcd=3" → counts, in that order; a role without a count has one node. Throws BuildError `USAGE`. */
export function parseRoleCounts(text: string): readonly RoleCount[] {
  const counts = text.split(",").map((part): RoleCount => {
    const [role = "", count = "1", more] = part.trim().split("=");
    if (!dnsLabel.safeParse(role).success || !/^[1-9]\d{0,3}$/.test(count) || more !== undefined) throw usage(`"${part}" is no role with a number of nodes`);
    return { role, count: Number(count) };
  });
  const twice = counts.find(({ role }, i) => counts.findIndex((c) => c.role === role) !== i);
  if (twice !== undefined) throw usage(`role "${twice.role}" is there twice`);
  if (counts.reduce((sum, { count }) => sum + count, 0) > MAX_NODES) throw usage(`more than ${MAX_NODES} nodes`);
  return counts;
}

function usage(problem: string): BuildError {
  return new BuildError("USAGE", `--nodes: ${problem}`, "like --nodes master=1,etcd=3,cp=3,worker=5");
}
