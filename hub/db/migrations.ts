/**
 * The schema as numbered steps; PRAGMA user_version holds how many were applied. A step that was ever released is never
 * edited: a change is a new step.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  -- One row for each (EK, generation). state is canonical JSON of NodeState, kind its tag.
  CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    ek_name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    ek_public BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    slot TEXT,
    proven INTEGER NOT NULL,
    baseline TEXT,
    -- Newest clock that this EK's TPM has shown, also under an earlier generation or in evidence that failed; never lowered.
    last_clock TEXT,
    first_seen_ms INTEGER NOT NULL,
    state_since_ms INTEGER NOT NULL,
    UNIQUE (ek_name, generation)
  ) STRICT;
  -- A name belongs to one identity at a time; the database refuses a second one even if the code above it fails to.
  CREATE UNIQUE INDEX identities_slot ON identities (slot) WHERE slot IS NOT NULL;
  CREATE INDEX identities_kind ON identities (kind);

  -- Every transition ever made.
  CREATE TABLE steps (
    seq INTEGER PRIMARY KEY,
    identity TEXT NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
  ) STRICT;
  CREATE INDEX steps_identity ON steps (identity);

  -- Public keys that an identity's last good claims named; a key belongs to one identity.
  CREATE TABLE identity_keys (
    key TEXT PRIMARY KEY,
    identity TEXT NOT NULL REFERENCES identities (id) ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX identity_keys_identity ON identity_keys (identity);

  CREATE TABLE evidence (
    identity TEXT PRIMARY KEY REFERENCES identities (id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    code TEXT NOT NULL,
    nonce BLOB NOT NULL,
    verifier BLOB NOT NULL,
    expected_secret BLOB NOT NULL,
    peer_key BLOB NOT NULL,
    pinned_role TEXT NOT NULL,
    ek_public BLOB NOT NULL,
    ak_public BLOB NOT NULL,
    secret BLOB NOT NULL,
    quote BLOB NOT NULL,
    signature BLOB NOT NULL,
    claims BLOB NOT NULL,
    firmware_log BLOB NOT NULL,
    userspace_log BLOB NOT NULL
  ) STRICT;

  CREATE TABLE findings (
    identity TEXT NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    finding TEXT NOT NULL,
    PRIMARY KEY (identity, n)
  ) STRICT;

  -- By endorsement key, since an approval can be there before the machine. Never authority by itself: see verify-approval.ts.
  CREATE TABLE approvals (
    seq INTEGER PRIMARY KEY,
    ek_name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    chain TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    used_mac BLOB,
    voided_ms INTEGER
  ) STRICT;
  CREATE INDEX approvals_ek ON approvals (ek_name, generation);

  -- The last operator's statement about each slot's EK; ek_name as the statement says, for looking up. Never authority by itself: see enroll/ek-pins.ts.
  CREATE TABLE ek_pins (
    slot TEXT PRIMARY KEY,
    ek_name TEXT,
    envelope BLOB NOT NULL,
    chain TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX ek_pins_ek ON ek_pins (ek_name) WHERE ek_name IS NOT NULL;

  -- What each identity's TPM showed beside its EK, as it came; verified whenever it is used.
  CREATE TABLE ek_certificates (
    identity TEXT PRIMARY KEY REFERENCES identities (id) ON DELETE CASCADE,
    certificate BLOB NOT NULL,
    intermediates BLOB NOT NULL
  ) STRICT;

  CREATE TABLE windows (
    seq INTEGER PRIMARY KEY,
    opened_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    max INTEGER NOT NULL,
    used INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    closed_ms INTEGER
  ) STRICT;

  -- Releases with where they stand: staged, current or withdrawn. The envelope is verified at each load, and a state is believed by its
  -- seal of this boot alone, but for withdrawn, which only takes away (trust/release-book.ts).
  CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL,
    envelope BLOB NOT NULL,
    reason TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    mac BLOB NOT NULL
  ) STRICT;

  -- Signed documents as they were delivered: kind is pins, number its serial.
  CREATE TABLE documents (
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    envelope BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, digest)
  ) STRICT;

  -- Who was in the planes, so that a restart of the hub doesn't empty them; sealed by a key of this boot (leases.ts).
  CREATE TABLE leases (
    identity TEXT PRIMARY KEY REFERENCES identities (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    mac BLOB NOT NULL
  ) STRICT;

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are append-only'); END;
  CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are append-only'); END;
  CREATE TRIGGER steps_no_update BEFORE UPDATE ON steps BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
  `,
];
