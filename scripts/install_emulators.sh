#!/usr/bin/env bash
# Install the compilers and emulators with which generated C is proved here and on other processors, and the tools with
# which signatures are (Debian, Ubuntu).
# Never fails: where it cannot install, it says why, and the tests that need the tools are skipped.
# With --check nothing is installed: it says which tools are missing, what is skipped, and how to get them.

set -uo pipefail

commands=(gcc g++ clang wasm-ld node chromium minisign openssl
  arm-none-eabi-gcc qemu-system-arm riscv64-unknown-elf-gcc qemu-system-riscv32 aarch64-linux-gnu-gcc qemu-aarch64-static
  avr-gcc simavr sdcc)
packages=(gcc g++ clang lld nodejs minisign openssl gcc-arm-none-eabi qemu-system-arm gcc-riscv64-unknown-elf qemu-system-misc
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static gcc-avr avr-libc simavr sdcc)

cannot() {
  echo "compilers and emulators not installed: $1. Tests that need them are skipped."
  exit 0
}

absent=""
for command in "${commands[@]}"; do
  command -v "$command" > /dev/null || absent="$absent $command"
done
if [ -z "$absent" ]; then
  echo "compilers and emulators: all there"
  exit 0
fi
if [ "${1:-}" = --check ]; then
  echo "skipped, because not installed:$absent. To have their tests, too: sudo $0"
  exit 0
fi
command -v apt-get > /dev/null || cannot "there is no apt-get; install${absent} by other means"
root=""
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2> /dev/null || cannot "this needs root: sudo $0"
  root="sudo"
fi
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { timeout 60 $root apt-get update -qq &&
  timeout 300 $root apt-get install -y -qq --no-install-recommends "${packages[@]}"; } > "$log" 2>&1; then
  tail -n 3 "$log"
  cannot "apt-get did not bring them"
fi
echo "compilers and emulators: installed ${packages[*]}"
# By itself, because Ubuntu has it as a snap only, and the others are to be there without it.
if ! command -v chromium > /dev/null &&
  ! timeout 300 $root apt-get install -y -qq --no-install-recommends chromium > "$log" 2>&1; then
  tail -n 3 "$log"
  cannot "apt-get did not bring chromium"
fi
