import type { ExplainResponse, Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { ATTEST_CODES } from "../../attest/codes.ts";
import { type ExplainedCode, codeText } from "../code-text.ts";
import { awaitsOperator, isPinned, isUnanchored, nodeName, ON_ITS_WAY } from "../node-state.ts";
import { ageOf } from "./age.ts";
import { fields } from "./fields.ts";
import { ELIGIBLE_WORDS, UNANCHORED_WORDS } from "./node-text.ts";
import { findingObject, type FindingObject } from "./objects.ts";
import { printable } from "./printable.ts";
import { wrap } from "./wrap.ts";

const WIDTH = 90;

/** Why a node is where it is, in prose: what differs, what was expected, what usually causes it, what to do. */
export function explainText(r: ExplainResponse, node: Node, next: string | null, now: number): string {
  const parts = [wrap(headline(node, now), WIDTH)];
  const words = node.code === "" ? undefined : codeText(node.code);
  // What usually causes it stands with each finding.
  if (words !== undefined) parts.push(wrap(`${node.code} means: ${words.text}${r.findings.length === 0 ? ` ${words.cause}` : ""}`, WIDTH));
  const certificate = isUnanchored(node) ? codeText(node.ekCertificate) : undefined;
  if (certificate !== undefined) parts.push(wrap(`Its TPM's certificate anchors nobody, ${printable(node.ekCertificate)}: ${printable(node.ekCertificateText)}${r.anchorFindings.length === 0 ? ` ${certificate.cause}` : ""}`, WIDTH));
  if (certificate !== undefined) parts.push(...r.anchorFindings.map((f, i) => findingText(findingObject(f), i + 1, r.anchorFindings.length)));
  if (node.eligible) parts.push(wrap(`Since then ${ELIGIBLE_WORDS}.${node.firmwareChange === "" ? "" : ` Changed: ${printable(node.firmwareChange)}.`}`, WIDTH));
  if (r.findings.length === 0 && node.eligible) parts.push("Nothing of what put it there is left to be seen.");
  // A refusal that rests on no event of a PCR is no word for the others.
  else if (r.findings.length === 0 && node.code === "") parts.push("Its evidence shows no difference from the release.");
  else parts.push(...r.findings.map((f, i) => findingText(findingObject(f), i + 1, r.findings.length)));
  if (next !== null) parts.push(`Next: ${next}`);
  return parts.join("\n\n");
}

/** One code of any table, in prose. */
export function codeProse(code: string, words: ExplainedCode): string {
  return [wrap(`${code}: ${words.text}`, WIDTH), wrap(`Usual cause: ${words.cause}`, WIDTH), `Next: ${words.next}`].join("\n");
}

/** The step that most likely helps, by state and by what refused it; null where there is nothing to do. */
export function nextFor(node: Node): string | null {
  const name = printable(nodeName(node));
  if (node.firmwareChange !== "" && node.eligible) return `kubedos-hub approve ${name}; many with the same change: kubedos-hub firmware list`;
  if (awaitsOperator(node)) {
    return isUnanchored(node)
      ? `find out who started this machine; if it is yours, stamp it (kubedos-build deploy, or kubedos-hub ek pin), else: kubedos-hub deny ${name} --reason TEXT`
      : `kubedos-hub approve ${name}${isPinned(node) ? "" : " --slot NAME"}`;
  }
  if (ON_ITS_WAY.includes(node.state)) return null;
  if (node.state === "expected") return "start the machine while a window is open: kubedos-hub window open";
  const step = codeText(node.code)?.next.replace(/\bID\b/, name);
  if (node.state !== "quarantined") return step ?? "start the machine anew while a window is open: kubedos-hub window open";
  return `${Object.hasOwn(ATTEST_CODES, node.code) && step !== undefined ? step : "start it anew, well"}; when its evidence is good again: kubedos-hub pending`;
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
  const type = f.eventType === null ? "" : ` (${printable(f.eventType)})`;
  const field = f.field === null ? "Evidence" : `Evidence, ${printable(f.field)}`;
  const place = f.pcr === null ? field : f.index === null ? `PCR ${f.pcr}, its whole value` : `PCR ${f.pcr}, event ${f.index}${type}`;
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
