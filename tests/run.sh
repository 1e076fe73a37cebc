#!/usr/bin/env bash
# All tests: tests/run.sh [--install-driver] [arguments of cargo test]
#
# GPU tests run on every adapter that is found. Where there is none they print `skipped: no adapter`; with
# --install-driver, on Debian and its kin, two drivers in software and a checker of their input are installed first, and
# a missing adapter is then a failure, as it is where CI is set. The package lists are used as they are configured.
#
# Tests on data outside the project look in the folder that SUPERNET_DATA names; without it they print `skipped: no data`.
set -euo pipefail
cd "$(dirname "$0")/.."

install=false
if [ "${1:-}" = --install-driver ]; then
    install=true
    shift
fi

# The second driver has other habits than the first (subgroups of another size, other limits). It comes with a browser
# and lies outside the folders that the Vulkan loader looks into.
swiftshader=/usr/lib/chromium/vk_swiftshader_icd.json

packages() {
    ls /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json >/dev/null 2>&1 || echo mesa-vulkan-drivers
    [ -e "$swiftshader" ] || echo chromium-common
    command -v spirv-val >/dev/null || echo spirv-tools
}

install_packages() {
    local apt=(apt-get) suite
    [ "$(id -u)" = 0 ] || apt=(sudo apt-get)
    "${apt[@]}" update
    # The backported driver is several times faster; it is taken where that suite is configured.
    suite="$(. /etc/os-release && echo "$VERSION_CODENAME-backports")"
    if [[ " $* " == *" mesa-vulkan-drivers "* ]] && apt-cache policy mesa-vulkan-drivers | grep -q "$suite"; then
        "${apt[@]}" install --yes --no-install-recommends --target-release "$suite" mesa-vulkan-drivers
    fi
    "${apt[@]}" install --yes --no-install-recommends "$@"
}

mapfile -t missing < <(packages)
if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "GPU tests use the adapters that are there; for more, install a Vulkan driver: ${missing[*]} on Debian" >&2
    elif $install; then
        install_packages "${missing[@]}"
    else
        echo "for all GPU tests: tests/run.sh --install-driver, which runs apt-get install ${missing[*]}" >&2
    fi
fi
if [ -e "$swiftshader" ]; then
    export VK_ADD_DRIVER_FILES="${VK_ADD_DRIVER_FILES:+$VK_ADD_DRIVER_FILES:}$swiftshader"
fi
if $install; then
    export SUPERNET_WANTS_GPU=1
fi
# Mesa keeps compiled kernels in the user's cache folder, from run to run; without a home it would keep none.
if [ -z "${XDG_CACHE_HOME:-}" ] && [ ! -w "${HOME:-/nonexistent}" ]; then
    export MESA_SHADER_CACHE_DIR="$PWD/target/mesa"
fi
exec cargo test --release --workspace "$@"
