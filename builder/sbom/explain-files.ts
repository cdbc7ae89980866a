import { type Content, type Contents, sameContent } from "./content.ts";
import { SbomError, type SbomErrorCode } from "./error.ts";
import { type GeneratedRule, generatedBy } from "./generated-files.ts";
import type { OwnContent } from "./own-contents.ts";

/** A finished tree, and everything that may be in it. */
export interface TreeFacts {
  readonly contents: Contents;
  /** By package, what its .deb holds. */
  readonly packages: ReadonlyMap<string, Contents>;
  readonly own: ReadonlyMap<string, OwnContent>;
  readonly generated?: readonly GeneratedRule[];
}

/** A path that no package answers for, and who does. */
export interface UnownedFile {
  readonly path: string;
  readonly content: Content;
  readonly from: string;
}

/** How much of a package is in the image; the rest was trimmed. */
export interface PackageFiles {
  readonly present: number;
  readonly leftOut: number;
}

/** A tree in which each path has an answer. */
export interface ExplainedTree {
  readonly unowned: readonly UnownedFile[];
  readonly packages: ReadonlyMap<string, PackageFiles>;
}

interface Fault {
  readonly code: SbomErrorCode;
  readonly what: string;
}

/**
 * Finds for each path of an image who brought it: an input of ours, then a package, then a rule for what is generated, and compares the contents.
 * Throws SbomError `FILE_UNEXPLAINED` or `FILE_DIFFERS` with the first path in byte order.
 */
export function explainFiles(facts: TreeFacts): ExplainedTree {
  const { contents, own, packages } = facts;
  const byPath = packagesByPath(packages);
  const faults: Fault[] = [];
  const unowned: UnownedFile[] = [];
  for (const [path, content] of contents) {
    const mine = own.get(path);
    const theirs = byPath.get(path) ?? [];
    const generator = generatedBy(path, content, facts.generated);
    if (mine !== undefined) {
      if (!sameContent(mine.content, content)) faults.push({ code: "FILE_DIFFERS", what: `${path} is not what ${mine.from} has` });
      unowned.push({ path, content, from: mine.from });
    } else if (theirs.some(([, expected]) => sameContent(expected, content))) continue;
    else if (theirs.length > 0) faults.push({ code: "FILE_DIFFERS", what: `${path} is not what package ${theirs[0]?.[0]} of the lock holds` });
    else if (generator !== undefined) unowned.push({ path, content, from: generator });
    else faults.push({ code: "FILE_UNEXPLAINED", what: `${path} comes from no package and from no input of this build` });
  }
  for (const [path, { from }] of own) if (!contents.has(path)) faults.push({ code: "FILE_DIFFERS", what: `${path} of ${from} is not in the image` });
  const [first, ...more] = faults;
  if (first !== undefined) throw new SbomError(first.code, `${first.what}${more.length === 0 ? "" : `, and ${more.length} more such files`}`, first.code === "FILE_UNEXPLAINED" ? "if a script of the role's packages writes it: name it under generated in the role's role.yaml (docs/roles.md)" : "");
  return { unowned, packages: new Map([...packages].map(([name, files]) => [name, count(files, contents)])) };
}

function packagesByPath(packages: ReadonlyMap<string, Contents>): ReadonlyMap<string, readonly (readonly [string, Content])[]> {
  const byPath = new Map<string, (readonly [string, Content])[]>();
  for (const [name, files] of packages) {
    for (const [path, content] of files) byPath.set(path, [...(byPath.get(path) ?? []), [name, content]]);
  }
  return byPath;
}

function count(files: Contents, contents: Contents): PackageFiles {
  const present = [...files.keys()].filter((path) => contents.has(path)).length;
  return { present, leftOut: files.size - present };
}
