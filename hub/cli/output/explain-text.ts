import type { ExplainResponse, Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { type ExplainedCode, codeText } from "../code-text.ts";
import { isUnanchored, nodeName, ON_ITS_WAY, WAITING } from "../node-state.ts";
import { ageOf } from "./age.ts";
import { fields } from "./fields.ts";
import { UNANCHORED_WORDS } from "./node-text.ts";
import { findingObject, type FindingObject } from "./objects.ts";
import { printable } from "./printable.ts";
import { wrap } from "./wrap.ts";

const WIDTH = 90;

/** Why a node is where it is, in prose: what differs, what was expected, what usually causes it, what to do. */
export function explainText(r: ExplainResponse, node: Node, next: string | null, now: number): string {
  const parts = [wrap(headline(node, now), WIDTH)];
  const words = node.code === "" ? undefined : codeText(node.code);
  if (words !== undefined) parts.push(wrap(`${node.code} means: ${words.text} ${words.cause}`, WIDTH));
  if (r.findings.length === 0) parts.push("Its evidence shows no difference from the release.");
  else parts.push(...r.findings.map((f, i) => findingText(findingObject(f), i + 1, r.findings.length)));
  if (next !== null) parts.push(`Next: ${next}`);
  return parts.join("\n\n");
}

/** One code of any table, in prose. */
export function codeProse(code: string, words: ExplainedCode): string {
  const lines = [wrap(`${code}: ${words.text}`, WIDTH), wrap(`Usual cause: ${words.cause}`, WIDTH)];
  if (words.next !== null) lines.push(`Next: ${words.next}`);
  return lines.join("\n");
}

/** The command that most likely helps, by state; null where there is nothing to do. */
export function nextFor(node: Node): string | null {
  const name = printable(nodeName(node));
  if (WAITING.includes(node.state)) {
    return isUnanchored(node)
      ? `find out who started this machine; if it is yours, stamp it (kubedos-build deploy), else: kubedos-hub deny ${name} --reason TEXT`
      : `kubedos-hub approve ${name}`;
  }
  if (ON_ITS_WAY.includes(node.state)) return null;
  if (node.state === "expected") return "start the machine while a window is open: kubedos-hub window open";
  return "stamp the machine again from the current release (kubedos-build deploy), then: kubedos-hub window open";
}

function headline(node: Node, now: number): string {
  const name = printable(nodeName(node));
  const who = node.name === "" ? `Machine ${name}` : `${name} (id ${printable(node.id) || "none yet"})`;
  const since = node.stateSinceMs === 0n ? "" : ` (for ${ageOf(Number(node.stateSinceMs), now)})`;
  const why = node.code === "" ? "" : `: ${printable(node.message) || printable(node.code)}`;
  const anchor = node.ekName !== "" && isUnanchored(node) ? ` ${UNANCHORED_WORDS}.` : "";
  return `${who} is ${printable(node.state)}${since}${why.replace(/\.?$/, ".")}${anchor}`;
}

/** One difference: where, what was expected and found, and what usually causes it. */
export function findingText(f: FindingObject, number: number, of: number): string {
  const place = f.pcr === null ? "Evidence" : f.index === null ? `PCR ${f.pcr}, its whole value` : `PCR ${f.pcr}, event ${f.index}`;
  const title = `${of > 1 ? `${number}. ` : ""}${place}: ${printable(f.what)} (${printable(f.code)})`;
  return [
    wrap(title, WIDTH),
    fields([
      ["expected", printable(f.expected) || "nothing"],
      ["found", printable(f.found) || "nothing"],
    ]),
    ...(f.cause === "" ? [] : [wrap(`Usual cause: ${printable(f.cause)}`, WIDTH, "  ")]),
  ].join("\n");
}
