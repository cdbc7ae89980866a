import { z } from "zod";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { FetchError } from "../fetch/error.ts";
import { type Fetched, fetchBytes } from "../fetch/fetch-bytes.ts";
import { IMAGE_INDEXES, IMAGE_MANIFESTS, MAX_MANIFEST_BYTES } from "./manifest.ts";

const MAX_TOKEN_BYTES = 64 * 1024;
const DIGEST_HEADER = "docker-content-digest";
const tokenSchema = z.object({ token: z.string().max(MAX_TOKEN_BYTES).optional(), access_token: z.string().max(MAX_TOKEN_BYTES).optional() });

/** A manifest or index as a registry keeps it. */
export interface RegistryManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
}

/** What a registry gives to anybody who asks (OCI distribution-spec 1.1): no passwords are ever sent. */
export class Registry {
  readonly #host: string;
  readonly #signal: AbortSignal | undefined;
  /** By repository: what the registry's own token server gave us for reading it. */
  readonly #tokens = new Map<string, string>();

  constructor(host: string, signal?: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
  }

  /** By tag, or by digest ("sha256:HEX"), which the bytes then have. Throws FetchError, ToolError `ABORTED`, WireError. */
  async manifest(repository: string, reference: string): Promise<RegistryManifest> {
    const url = this.#url(`${repository}/manifests/${reference}`);
    const accept = [...IMAGE_MANIFESTS, ...IMAGE_INDEXES].join(", ");
    const { bytes, headers } = await this.#ask(repository, url, { accept });
    const digest = toHex(sha256(bytes));
    const said = reference.startsWith("sha256:") ? reference : headers.get(DIGEST_HEADER);
    if (said !== null && said !== `sha256:${digest}`) throw new FetchError("SOURCE_DIFFERS", `${url} sends a manifest with digest sha256:${digest}, not ${said}`);
    return { bytes, digest, mediaType: (headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "" };
  }

  /** How to fetch a blob: its address, and the header that lets us. `digest`: hex. Throws FetchError or ToolError. */
  async blob(repository: string, digest: string): Promise<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }> {
    // Tokens last for minutes and layers come for longer: a new one for each. The root of the API counts as no pull anywhere.
    this.#tokens.delete(repository);
    await this.#ask(repository, this.#url(""));
    return { url: this.#url(`${repository}/blobs/sha256:${digest}`), headers: this.#authorization(repository) };
  }

  async #ask(repository: string, url: string, headers: Readonly<Record<string, string>> = {}): Promise<Fetched> {
    const asked = () => ({ url, headers: { ...headers, ...this.#authorization(repository) }, signal: this.#signal });
    const first = await fetchBytes(asked(), MAX_MANIFEST_BYTES, [401]);
    if (first.status !== 401) return first;
    this.#tokens.set(repository, await this.#token(repository, url, first.headers.get("www-authenticate") ?? ""));
    return await fetchBytes(asked(), MAX_MANIFEST_BYTES);
  }

  /** The token of a reader without a name (distribution "token" specification). */
  async #token(repository: string, url: string, challenge: string): Promise<string> {
    const value = (key: string): string | undefined => new RegExp(`${key}="([^"]{1,1024})"`).exec(challenge)?.[1];
    const realm = value("realm");
    if (!/^bearer /i.test(challenge) || realm === undefined || !URL.canParse(realm)) throw new FetchError("SOURCE_DENIED", `${url} may not be read by everybody`, "bring the image into a darksite where it may be read");
    const server = new URL(realm);
    if (server.protocol !== "https:" && server.protocol !== this.#scheme()) throw new FetchError("SOURCE_BAD", `${url} sends readers for a token to ${server.protocol}//, without TLS`);
    const service = value("service");
    if (service !== undefined) server.searchParams.set("service", service);
    server.searchParams.set("scope", `repository:${repository}:pull`);
    const { bytes } = await fetchBytes({ url: server.href, signal: this.#signal }, MAX_TOKEN_BYTES);
    const { token, access_token: other } = parseJson(tokenSchema, bytes, MAX_TOKEN_BYTES);
    if ((token ?? other) === undefined) throw new FetchError("SOURCE_BAD", `${server.origin} gives no token for reading ${repository}`);
    return token ?? other ?? "";
  }

  #authorization(repository: string): Readonly<Record<string, string>> {
    const token = this.#tokens.get(repository);
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  #url(path: string): string {
    // Docker's own registry answers under another name than its images have.
    const host = this.#host === "docker.io" ? "registry-1.docker.io" : this.#host;
    return `${this.#scheme()}//${host}/v2/${path}`;
  }

  /** As all container tools do: TLS, but for a registry on this very machine. */
  #scheme(): string {
    return /^(localhost|127\.0\.0\.1)(:|$)/.test(this.#host) ? "http:" : "https:";
  }
}
