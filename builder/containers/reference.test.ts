import t from "tap";
import { parseReference } from "./reference.ts";

const DIGEST = "0123456789abcdef".repeat(4);

t.test("references with their registry", async (t) => {
  t.same(parseReference("registry.k8s.io/pause:3.10"), { registry: "registry.k8s.io", repository: "pause", tag: "3.10", digest: undefined });
  t.same(parseReference("docker.io/library/debian:trixie-slim"), { registry: "docker.io", repository: "library/debian", tag: "trixie-slim", digest: undefined });
  t.same(parseReference(`127.0.0.1:5000/a/b-c/d__e@sha256:${DIGEST}`), { registry: "127.0.0.1:5000", repository: "a/b-c/d__e", tag: undefined, digest: DIGEST });
  t.same(parseReference(`quay.io/x/y:v1@sha256:${DIGEST}`), { registry: "quay.io", repository: "x/y", tag: "v1", digest: DIGEST });
});

t.test("what is none, or leaves open which registry or what of it", async (t) => {
  const refused = ["", "pause:3.10", "library/debian:trixie", "quay.io/x/y", "quay.io/x/y:", "quay.io/:1", "quay.io/X:1", "quay.io/../x:1", "quay.io/x//y:1", "quay.io/x/y:latest", "https://quay.io/x:1", "quay.io/x:1 ", "quay.io/x:1\n", "user@quay.io/x:1", `quay.io/x@sha256:${DIGEST.slice(1)}`, `quay.io/x@sha512:${DIGEST}`, `-quay.io/x:1`, `quay.io/x:-1`, `quay.io/x:${"1".repeat(129)}`];
  for (const text of refused) t.throws(() => parseReference(text), { name: "ZodError" }, JSON.stringify(text));
});
