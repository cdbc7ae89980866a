import { posix } from "node:path";
import { WireError } from "../../proto/wire/error.ts";
import type { TarEntry } from "./tar-entries.ts";

/** What lies under a path that is looked at. */
export type TreeNode = { readonly kind: "file"; readonly data: Uint8Array } | { readonly kind: "link"; readonly target: string };

/** Which paths of an image are looked at. */
export interface Watched {
  /** These files. */
  readonly files: readonly string[];
  /** Files right in these folders. */
  readonly folders: readonly string[];
}

const WHITEOUT = ".wh.";
/** Takes away what lower layers have in the folder. Other names that begin so are a storage driver's own. */
const OPAQUE = ".wh..wh..opq";
const OWN = ".wh..wh.";
const MAX_LINKS = 40;
const MAX_FILES = 65_536;
const MAX_BYTES = 256 * 1024 * 1024;

/** The watched part of an image's file system, layer by layer (image-spec "layer.md"): later ones win, and may take away. */
export class LayerTree {
  readonly #watched: Watched;
  /** Above what is watched: a link there leads elsewhere. */
  readonly #above: ReadonlySet<string>;
  readonly #nodes = new Map<string, TreeNode>();
  /** Paths that the layer at hand brought: its whiteouts are for lower ones. */
  #own = new Set<string>();
  #bytes = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#above = new Set([...watched.files.flatMap(parents), ...watched.folders.flatMap((f) => [f, ...parents(f)])]);
  }

  /** Begins the next layer. */
  nextLayer(): void {
    this.#own = new Set();
  }

  /** Whether the file that a tar names so must be kept. */
  wants(path: string): boolean {
    return this.#isWatched(this.#place(path));
  }

  /** Lays one entry over what is there. Throws WireError. */
  add({ path, kind, target, data }: TarEntry): void {
    const name = posix.basename(path);
    if (name === OPAQUE) return this.#remove(this.#place(path).slice(0, -OPAQUE.length).replace(/\/$/, ""), "below");
    if (name.startsWith(OWN)) return;
    if (name.startsWith(WHITEOUT)) {
      const hidden = name.slice(WHITEOUT.length);
      if (["", ".", ".."].includes(hidden)) throw new WireError("BAD_VALUE", `${JSON.stringify(path.slice(0, 200))} takes away no name`);
      return this.#remove(posix.join(posix.dirname(this.#place(path)), hidden), "all");
    }
    const at = this.#place(path);
    if (kind === "folder") {
      if (this.#nodes.has(at)) this.#delete(at);
      return;
    }
    for (const old of this.#under(at)) this.#delete(old);
    if (kind === "file" && data !== undefined && this.#isWatched(at)) this.#set(at, { kind: "file", data });
    else if (kind === "symlink" && (this.#isWatched(at) || this.#above.has(at))) this.#set(at, { kind: "link", target });
    else if (kind === "hardlink" && this.#isWatched(at)) this.#set(at, { kind: "link", target: `/${target}` });
  }

  /** Where a path leads through the links that are known, the last part too. */
  resolve(path: string): string {
    return this.#follow(path, true);
  }

  /** The file at a path that no link is part of. */
  file(path: string): Uint8Array | undefined {
    const found = this.#nodes.get(path);
    return found?.kind === "file" ? found.data : undefined;
  }

  /** Paths of what lies right in a watched folder, sorted. */
  list(folder: string): readonly string[] {
    return [...this.#nodes.keys()].filter((path) => posix.dirname(path) === folder).sort();
  }

  #isWatched(path: string): boolean {
    return this.#watched.files.includes(path) || this.#watched.folders.includes(posix.dirname(path));
  }

  /** Links in a path's folders are followed, as whoever unpacks does it. */
  #place(path: string): string {
    return this.#follow(path, false);
  }

  #follow(path: string, last: boolean): string {
    let [at, left, links] = ["", path, 0];
    while (left !== "") {
      const slash = left.indexOf("/");
      const part = slash < 0 ? left : left.slice(0, slash);
      left = slash < 0 ? "" : left.slice(slash + 1);
      const here = posix.join("/", at, part).slice(1);
      const found = this.#nodes.get(here);
      if (found?.kind !== "link" || (left === "" && !last) || links >= MAX_LINKS) at = here;
      else {
        links += 1;
        left = left === "" ? found.target : `${found.target}/${left}`;
        if (found.target.startsWith("/")) at = "";
      }
    }
    return at;
  }

  /** What lower layers have at a path and below it, or only below. */
  #remove(path: string, what: "all" | "below"): void {
    for (const old of this.#under(path)) if (!this.#own.has(old) && (what === "all" || old !== path)) this.#delete(old);
  }

  #under(path: string): readonly string[] {
    // No path but those above what is watched has anything below it here.
    if (this.#nodes.has(path)) return [...this.#nodes.keys()].filter((p) => p === path || p.startsWith(`${path}/`));
    return path === "" || this.#above.has(path) ? [...this.#nodes.keys()].filter((p) => path === "" || p.startsWith(`${path}/`)) : [];
  }

  #delete(path: string): void {
    const found = this.#nodes.get(path);
    if (found?.kind === "file") this.#bytes -= found.data.length;
    this.#nodes.delete(path);
    this.#own.delete(path);
  }

  #set(path: string, node: TreeNode): void {
    if (node.kind === "file") this.#bytes += node.data.length;
    if (this.#bytes > MAX_BYTES || this.#nodes.size >= MAX_FILES) throw new WireError("TOO_LARGE", `package databases of more than ${MAX_FILES} files or ${MAX_BYTES} bytes`);
    this.#nodes.set(path, node);
    this.#own.add(path);
  }
}

function parents(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}
