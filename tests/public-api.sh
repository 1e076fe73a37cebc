#!/usr/bin/env bash
# Compares the public interfaces with their listings: tests/public-api.sh [--bless]
#
# rustdoc's JSON is an unstable format; the listing is made with the Rust version that the workspace names.
set -euo pipefail
cd "$(dirname "$0")/.."

rustdoc=$(mktemp)
trap 'rm -f "$rustdoc"' EXIT
# The compiler itself runs without it, so that everything that was checked already is used again.
printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n' >"$rustdoc"
chmod +x "$rustdoc"
RUSTDOC=$rustdoc RUSTDOCFLAGS="-Z unstable-options --output-format json" \
    cargo doc --release --workspace --no-deps
cargo run --release --manifest-path tests/public-api/Cargo.toml --target-dir target/public-api -- target/doc "$@"
