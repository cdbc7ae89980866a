import { faultLine, type SpecError, type SpecFault } from "../../proto/spec/error.ts";

/** Every fault of a spec with the line it is in, and a mark under the column. */
export function describeFaults({ file, faults }: SpecError): string {
  const all = faults.map((fault) => describeFault(file, fault)).join("\n");
  return faults.length === 1 ? all : `${faults.length} faults\n${all}`;
}

/** One fault, or one note. */
export function describeFault(file: string, fault: SpecFault): string {
  const { line, excerpt } = fault;
  const margin = `${line}`.padStart(5);
  return `${faultLine(file, fault)}\n${margin} | ${excerpt.text}\n${" ".repeat(margin.length)} | ${" ".repeat(excerpt.column - 1)}^`;
}
