import { keyId } from "../../proto/dsse/dsse.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import { debUrl } from "../lock/fetch-debs.ts";
import { type Lock, lockDigest } from "../lock/lock.ts";
import type { ImageInputs } from "../release/assemble-image.ts";
import type { Sums } from "../release/sums.ts";
import { debPurl } from "../sbom/bill.ts";
import { VERSION } from "../version.ts";
import type { Provenance } from "./statement.ts";

/** What a release was built from, as its plan knows it. */
export interface ProvenanceInputs {
  readonly id: string;
  readonly generation: number;
  readonly images: readonly ImageInputs[];
  readonly keys: PublicKeys;
  readonly lock: Lock;
  /** SHA-256 over our sources that shape what the release says. */
  readonly recipe: string;
}

/** The statement over these files. A function of what the release's id is a function of, so one id has one statement. */
export function makeStatement(inputs: ProvenanceInputs, files: Sums): Provenance {
  const { id, generation, images, keys, lock } = inputs;
  const roles = images.map((image) => ({ name: image.role.name, config: { sha256: toHex(sha256(image.config)) } }));
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [...files].map(([name, digest]) => ({ name, digest: { sha256: digest } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "urn:kubedos:build:1",
        externalParameters: {
          cluster: keys.cluster,
          generation,
          epoch: images[0]?.epoch ?? 0,
          spec: { sha256: toHex(sha256(canonicalJson(roles))) },
          keys: { sha256: toHex(sha256(canonicalJson(keys.manifest))) },
          roles,
        },
        internalParameters: { release: id },
        resolvedDependencies: [...sources(inputs), { name: "lock.json", digest: { sha256: lockDigest(lock) } }, ...packages(lock)],
      },
      runDetails: {
        builder: { id: "urn:kubedos:kubedos-build", version: { "kubedos-build": VERSION }, builderDependencies: [{ name: "release key", digest: { sha256: keyId(keys.releaseKey) } }] },
        metadata: { invocationId: id },
      },
    },
  };
}

type Dependency = Provenance["predicate"]["buildDefinition"]["resolvedDependencies"][number];

/** Our own code, by what it shapes; a checkout without git has no commit to name. */
function sources({ images, recipe }: ProvenanceInputs): readonly Dependency[] {
  const programs = new Map(images.flatMap((image) => image.programs.map((p) => [p.name, p.compiled.sources] as const)));
  const digests: readonly (readonly [string, string])[] = [["sources of images", images[0]?.recipe ?? ""], ["sources of the release", recipe], ...[...programs].map(([name, digest]) => [`sources of ${name}`, digest] as const)];
  return digests.map(([name, digest]) => ({ name, digest: { sha256: digest } }));
}

function packages(lock: Lock): readonly Dependency[] {
  return lock.packages.map((locked) => ({
    name: locked.name,
    digest: { sha256: locked.sha256 },
    uri: debPurl({ locked, origins: lock.origins }),
    downloadLocation: debUrl(lock.origins, locked),
    annotations: { sets: locked.in },
  }));
}
