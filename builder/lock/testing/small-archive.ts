import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256, utf8 } from "../../../proto/wire/bytes.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import { readOriginKeys } from "../../roles/read-origin-keys.ts";
import type { OriginKeys } from "../../roles/role.ts";
import { runHost } from "../../toolchain/run-host.ts";
import type { LockedPackage, Origin } from "../lock.ts";
import { makeSigningKey, type SigningKey } from "../signing-key.ts";
import { indexStanza, releaseText } from "../write-repository.ts";

/** A package that isn't of Debian: a control file's fields, and one file. */
export interface SmallPackage {
  readonly name: string;
  readonly version?: string;
  /** More lines of the control file. */
  readonly control?: readonly string[];
}

/** An archive of a few tiny packages, signed by a key of its own and served on the loopback, for tests. */
export class SmallArchive {
  readonly dir: string = mkdtempSync(join(tmpdir(), "kubedos-archive-"));
  /** What the server sends instead of a file, by path under the mirror. */
  readonly instead: Map<string, Uint8Array | 404> = new Map();
  /** Every path that was asked for. */
  readonly asked: string[] = [];
  readonly keyring: string = join(this.dir, "keyring.gpg");
  readonly #key: Promise<SigningKey> = makeSigningKey("archive of a test", 1_735_689_600);
  readonly #server: Server;
  #made = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? "/").slice(1);
      this.asked.push(path);
      const other = this.instead.get(path);
      if (other === 404) return void response.writeHead(404).end();
      if (other !== undefined) return void response.writeHead(200, { "content-length": other.length }).end(other);
      readFile(join(this.dir, path)).then(
        (data) => response.writeHead(200, { "content-length": data.length }).end(data),
        () => response.writeHead(404).end(),
      );
    });
  }

  async start(): Promise<this> {
    writeFileSync(this.keyring, (await this.#key).certificate);
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  /** Nothing answers any more. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async remove(): Promise<void> {
    if (this.#server.listening) await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  get mirror(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  origin(name: string, suite: string): Origin {
    return { name, mirror: this.mirror, suite, component: "main" };
  }

  /** Builds packages and puts them into a suite of the archive, in place of what it held. */
  async publish(suite: string, packages: readonly SmallPackage[]): Promise<readonly LockedPackage[]> {
    const locked: LockedPackage[] = [];
    const stanzas: string[] = [];
    for (const one of packages) {
      const made = await this.#build(one);
      locked.push(made.locked);
      stanzas.push(indexStanza(made.locked, made.control, made.locked.path));
    }
    const index = utf8(stanzas.join("\n"));
    mkdirSync(join(this.dir, "dists", suite, "main/binary-amd64"), { recursive: true });
    writeFileSync(join(this.dir, "dists", suite, "main/binary-amd64/Packages"), index);
    const release = `${releaseText(suite, [["main/binary-amd64/Packages", index]])}Components: main\n`;
    writeFileSync(join(this.dir, "dists", suite, "InRelease"), await (await this.#key).clearSign(release));
    return locked;
  }

  /** Like {@link publish}, as an archive without suites: its index beside its packages. */
  async publishFlat(packages: readonly SmallPackage[]): Promise<void> {
    const made = [];
    for (const one of packages) made.push(await this.#build(one));
    const index = utf8(made.map(({ locked, control }) => indexStanza(locked, control, locked.path)).join("\n"));
    writeFileSync(join(this.dir, "Packages"), index);
    writeFileSync(join(this.dir, "InRelease"), await (await this.#key).clearSign(releaseText("flat", [["Packages", index]])));
  }

  /** Its certificate, as somebody who vouches for it has it. */
  async keys(): Promise<OriginKeys> {
    const keys = await readOriginKeys([this.dir], "keyring");
    if (keys === undefined) throw new Error("the archive was not started");
    return keys;
  }

  async #build({ name, version = "1.0-1", control = [] }: SmallPackage): Promise<{ readonly locked: LockedPackage; readonly control: string }> {
    const tree = join(this.dir, `build-${(this.#made += 1)}`);
    const path = `pool/main/${name}_${version.replace(/^\d+:/, "")}_all.deb`;
    const fields = [`Package: ${name}`, `Version: ${version}`, "Architecture: all", "Maintainer: nobody <nobody@invalid>", "Description: of a test", ...control, ""].join("\n");
    for (const folder of [join(tree, "DEBIAN"), join(tree, "usr/share/small"), join(this.dir, "pool/main")]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(tree, "DEBIAN/control"), fields);
    writeFileSync(join(tree, "usr/share/small", name), `${name} ${version}\n`);
    await runHost(["dpkg-deb", "--root-owner-group", "--build", tree, join(this.dir, path)]);
    rmSync(tree, { recursive: true });
    const data = await readFile(join(this.dir, path));
    return { control: fields, locked: { name, version, architecture: "all", size: data.length, sha256: toHex(sha256(data)), origin: "small", path, in: ["base"] } };
  }
}
