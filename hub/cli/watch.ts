import type { Node } from "../../proto/gen/kubedos/v1/admin.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { isStructured } from "./output/format.ts";
import { nodeObject } from "./output/objects.ts";
import { type Column, renderTable } from "./output/table.ts";
import { jsonLine } from "./output/view.ts";

/** One difference between two lists, in the words of Kubernetes' watches. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly node: Node;
}

/** How often the hub is asked; the API has no stream for lists. */
const EVERY_MS = 1000;

/** What changed from one list to the next, in the new list's order, deletions last. */
export function changes(before: readonly Node[], after: readonly Node[]): readonly Change[] {
  const old = new Map(before.map((n) => [keyOf(n), n]));
  const out: Change[] = [];
  for (const node of after) {
    const was = old.get(keyOf(node));
    old.delete(keyOf(node));
    if (was === undefined) out.push({ type: "ADDED", node });
    else if (JSON.stringify(nodeObject(was)) !== JSON.stringify(nodeObject(node))) out.push({ type: "MODIFIED", node });
  }
  return [...out, ...[...old.values()].map((node): Change => ({ type: "DELETED", node }))];
}

/** Prints changes until Ctrl-C: one JSON object a line, or table rows marked + (new), * (changed), - (gone). Throws CliError. */
export async function watchNodes(
  context: Context,
  list: () => Promise<readonly Node[]>,
  columns: (nodes: readonly Node[], o: { readonly wide: boolean; readonly now: number }) => readonly Column<Node>[],
): Promise<ExitCode> {
  let before: readonly Node[] = [];
  let headers = context.headers;
  while (!context.ports.interrupted.aborted) {
    const after = await list();
    const found = changes(before, after);
    if (found.length > 0) {
      printChanges(context, found, columns(after, { wide: context.format === "wide", now: context.ports.now() }), headers);
      headers = false;
    }
    before = after;
    await context.ports.sleep(EVERY_MS);
  }
  return EXIT.ok;
}

function printChanges(context: Context, found: readonly Change[], columns: readonly Column<Node>[], headers: boolean): void {
  const { stdout } = context.ports;
  if (isStructured(context.format)) {
    for (const c of found) stdout.write(`${jsonLine({ type: c.type, object: nodeObject(c.node) })}\n`);
  } else if (context.format === "name") {
    for (const c of found) stdout.write(`${keyOf(c.node)}\n`);
  } else {
    const marked: readonly Column<Change>[] = [
      { header: "*", cell: (c) => MARKS[c.type] },
      ...columns.map((column) => ({ ...column, cell: (c: Change) => column.cell(c.node) })),
    ];
    const width = context.format === "wide" ? null : stdout.columns;
    stdout.write(`${renderTable(marked, found, { headers, width, steady: true })}\n`);
  }
}

const MARKS: Readonly<Record<Change["type"], string>> = { ADDED: "+", MODIFIED: "*", DELETED: "-" };

/** Expected slots have no id yet. */
function keyOf(node: Node): string {
  return node.id === "" ? node.name : node.id;
}
