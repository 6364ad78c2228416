#!/usr/bin/env bash
# Install the cross-compilers and emulators with which generated C is proved on other processors (Debian, Ubuntu).
# Never fails: where it cannot install, it says why, and the tests that need the tools are skipped.

set -uo pipefail

commands=(arm-none-eabi-gcc qemu-system-arm riscv64-unknown-elf-gcc qemu-system-riscv32 aarch64-linux-gnu-gcc qemu-aarch64-static)
packages=(gcc-arm-none-eabi qemu-system-arm gcc-riscv64-unknown-elf qemu-system-misc gcc-aarch64-linux-gnu
  libc6-dev-arm64-cross qemu-user-static)

cannot() {
  echo "emulators not installed: $1. Tests on emulated processors are skipped."
  exit 0
}

absent=""
for command in "${commands[@]}"; do
  command -v "$command" > /dev/null || absent="$absent $command"
done
if [ -z "$absent" ]; then
  echo "emulators: all there"
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
echo "emulators: installed ${packages[*]}"
