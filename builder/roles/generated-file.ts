import { z } from "zod";

// Names as a tree has them, with `*` for a part of one. What is too wide passes here: checkRole says so, with what to write instead.
const path = z
  .string()
  .max(256)
  .regex(/^\/([\w.+:@*-]+(\/[\w.+:@*-]+){0,15})?$/, 'must be an absolute path like "/etc/demo/id" or "/var/lib/demo/*.db"')
  .refine((text) => !text.split("/").some((name) => name === "." || name === ".."), 'must have no "." and no ".." in it');

/** A file that the scripts of a role's packages write, and why; in `path` a `*` stands for a part of one name. */
export const generatedFileSchema = z.strictObject({ path, why: z.string().min(1).max(200) });
/** See {@link generatedFileSchema}. */
export type GeneratedFile = z.output<typeof generatedFileSchema>;

/** Where a file that nobody answers for would be run, or decides what is. */
const RUN_FROM = /^\/(boot|(usr\/(local\/)?)?(s?bin|lib(32|64|x32)?|libexec)|etc\/(systemd|udev|pam\.d|ld\.so\.conf\.d|init\.d|profile\.d|modprobe\.d|modules-load\.d|cron[\w.]*))(\/|$)/;

/** Why a path would let files in that nobody meant; undefined where it is narrow enough: without a `*`, or with it in a part of one or two names, deep in a folder from which nothing runs. */
export function whyTooWide(path: string): string | undefined {
  const names = path.split("/").slice(1);
  const first = names.findIndex((name) => name.includes("*"));
  if (path === "/") return "it is the whole image";
  if (first === -1) return undefined;
  if (names.some((name) => name.split("*").length > 2)) return 'a name may have one "*", and none goes over several folders';
  if (names.some((name) => name.includes("*") && name.length < 3)) return 'a "*" needs two characters more of its name beside it';
  if (names.filter((name) => name.includes("*")).length > 2) return 'only two of its names may have a "*"';
  if (first < 2) return 'a "*" may stand in the third name or deeper';
  return RUN_FROM.test(path) ? "what is run, and what decides that, is named file by file" : undefined;
}

/** Which paths a rule means: all of the path, and `*` never across a slash. */
export function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.split("*").map((part) => part.replace(/[.+]/g, "\\$&")).join("[\\w.+:@-]+")}$`);
}
