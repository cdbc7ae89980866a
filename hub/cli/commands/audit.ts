import { z } from "zod";
import type { AuditRow, ListAuditResponse } from "../../../proto/gen/kubedos/v1/admin.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { auditListObject } from "../output/objects.ts";
import { type Column, renderTable } from "../output/table.ts";
import type { HumanStyle } from "../output/view.ts";

/** `kubedos-hub audit`: every decision, newest last, and whether the chain holds. */
export const audit = command({
  path: ["audit"],
  summary: "show who decided what, and whether the record is whole",
  about: "Rows are chained by hash. Where the chain doesn't add up, the rows are shown and the exit code is 1.",
  args: [],
  options: [{ flags: "--limit <count>", what: "how many of the newest rows (default 50)" }],
  connects: true,
  formats: FORMATS,
  examples: [
    ["audit", "the last 50 decisions"],
    ["audit --limit 1000 -o jsonl", "one row a line, for programs"],
  ],
  input: z.strictObject({
    limit: z
      .string()
      .regex(/^[1-9][0-9]{0,4}$/, "must be a number from 1 to 99999")
      .transform(Number)
      .default(50),
  }),
  async run(input, context) {
    const response = await (await context.hub()).listAudit(input.limit);
    const rows = response.rows.toSorted((a, b) => (a.seq < b.seq ? -1 : 1));
    const object = auditListObject({ ...response, rows });
    context.print({ object, items: object.items, names: rows.map((r) => String(r.seq)), human: (style) => auditText(rows, style) });
    if (!response.intact) throw broken(response);
    context.say(`the chain is whole; head ${response.head}`);
    return EXIT.ok;
  },
});

function broken(response: ListAuditResponse): CliError {
  return CliError.local("AUDIT_BROKEN", `the audit's chain does not add up (${response.rows.length} rows shown): a row was changed, removed or cut off`, "kubedos-hub explain AUDIT_BROKEN");
}

function auditText(rows: readonly AuditRow[], style: HumanStyle): string {
  if (rows.length === 0) return "";
  const columns: readonly Column<AuditRow>[] = [
    { header: "SEQ", cell: (r) => String(r.seq) },
    { header: "TIME", cell: (r) => time(r.atMs, style.wide) },
    { header: "ACTOR", cell: (r) => r.actor },
    { header: "ACTION", cell: (r) => r.action },
    { header: "SUBJECT", cell: (r) => (style.wide ? r.subject : r.subject.slice(0, 12)) },
    { header: "CODE", cell: (r) => r.code },
    { header: "DETAIL", shrinks: true, cell: (r) => r.detail },
  ];
  return renderTable(style.wide ? [...columns, { header: "HASH", cell: (r: AuditRow) => r.hash }] : columns, rows, style);
}

/** UTC, so that two operators speak of the same moment; without the year where there is little room. */
function time(atMs: bigint, wide: boolean): string {
  const date = new Date(Number(atMs));
  if (Number.isNaN(date.getTime())) return "?";
  return wide ? date.toISOString() : date.toISOString().slice(5, 19).replace("T", " ");
}
