import { stringify } from "yaml";
import type { Sink } from "../ports.ts";
import type { Format } from "./format.ts";
import { printableJson } from "./printable.ts";

/** What stands in every object that leaves the program for machines. */
export interface ApiObject {
  readonly apiVersion: "kubedos/v1";
  readonly kind: string;
}

/** How text for people is laid out. */
export interface HumanStyle {
  readonly wide: boolean;
  readonly headers: boolean;
  /** null: no limit. */
  readonly width: number | null;
  readonly now: number;
}

/** One result in all its forms. `items` are what a list consists of; `names` what the next command takes. */
export interface View {
  readonly object: ApiObject;
  readonly items?: readonly ApiObject[];
  readonly names: readonly string[];
  readonly human: (style: HumanStyle) => string;
}

/** Piped tables have this width; a terminal's own width counts where there is one. */
const DEFAULT_WIDTH = 100;

/** Writes a result to stdout in one format. Nothing is written for an empty text. */
export function writeView(sink: Sink, format: Format, view: View, options: { readonly headers: boolean; readonly now: number }): void {
  const text = render(sink, format, view, options);
  if (text !== "") sink.write(`${text}\n`);
}

function render(sink: Sink, format: Format, view: View, options: { readonly headers: boolean; readonly now: number }): string {
  switch (format) {
    case "json":
      return printableJson(JSON.stringify(view.object, null, 2));
    case "jsonl":
      return (view.items ?? [view.object]).map(jsonLine).join("\n");
    case "yaml":
      // Double quotes around every value: then the escapes that protect the terminal mean the same as in JSON.
      return printableJson(stringify(view.object, { lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" }).trimEnd());
    case "name":
      return view.names.join("\n");
    case "table":
      return view.human({ ...options, wide: false, width: sink.columns ?? DEFAULT_WIDTH });
    case "wide":
      return view.human({ ...options, wide: true, width: null });
    default:
      return format satisfies never;
  }
}

/** One object on one line. */
export function jsonLine(value: object): string {
  return printableJson(JSON.stringify(value));
}
