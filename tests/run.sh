#!/usr/bin/env bash
# All tests. Rust is all they need.
#
# Tests on data outside the project look in the folder that SUPERNET_DATA names; without it they print `skipped: no data`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --release --workspace "$@"
