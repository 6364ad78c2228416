"""What checking a signature takes in firmware, on a Cortex-M4F under QEMU: flash, RAM, time.

    python -m scripts.study.firmware_signatures

Signs a file here with both kinds of key, and lets C check it: scripts/examples/signed with
Monocypher, whose source comes with the PyPI package monocypher-py, and with mbedTLS, Debian's
source package, for which apt needs a deb-src line. Flash is what the same program without the
check lacks. Needs what scripts/install_emulators.sh installs, and libnewlib-arm-none-eabi.
"""

from __future__ import annotations

import argparse
import base64
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lstm_export import signing
from tests.kit.emulate import BOARDS, SOURCES

ROOT = Path(__file__).resolve().parents[2]
KEYS = ROOT / "tests" / "golden" / "keys"
EXAMPLE = ROOT / "scripts" / "examples" / "signed"
DATA_BYTES = 32 * 1024
MONOCYPHER = "monocypher-py==0.0.3"
MBEDTLS = "mbedtls"  # 2.28 in Debian 12
MBEDTLS_FILES = (
    "asn1parse", "asn1write", "bignum", "constant_time", "ecdsa", "ecp", "ecp_curves",
    "memory_buffer_alloc", "platform", "platform_util", "sha256",
)  # fmt: skip
POINT_BYTES = 65  # 4, then both coordinates
BOARD = BOARDS["m4f"]


@dataclass(frozen=True)
class Check:
    """One kind of signature: the key that signs, and the C that checks.

    Attributes:
        secret: the secret key's file.
        key: the public key, as the firmware holds it.
        call: the check in C.
        sources: what is compiled.
        includes: where its headers lie.
    """

    secret: str
    key: bytes
    call: str
    sources: tuple[Path, ...]
    includes: tuple[Path, ...]


def main() -> None:
    """Fetch both libraries, compile both checks, run them."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, check in checks(folder).items():
            print(name, "-", figures(check, folder))


def checks(folder: Path) -> dict[str, Check]:
    """Both, with their libraries unpacked in `folder`."""
    fetch(folder)
    monocypher = next(folder.glob("monocypher-py-*/src/monocypher-*"))
    mbedtls = next(folder.glob("*mbedtls*/library/ecdsa.c")).parents[1]
    optional = monocypher / "optional"
    minisign = (KEYS / "minisign.pub").read_text().splitlines()[1]
    pem = "".join((KEYS / "p256.pub.pem").read_text().splitlines()[1:-1])
    return {
        "Ed25519, Monocypher 3.1.2": Check(
            "minisign.key",
            base64.b64decode(minisign),
            "check_minisign(key, signature, data, sizeof data)",
            (
                EXAMPLE / "check_minisign.c",
                monocypher / "monocypher.c",
                optional / "monocypher-ed25519.c",
            ),
            (monocypher, optional),
        ),
        "P-256, mbedTLS 2.28.3": Check(
            "p256.pem",
            base64.b64decode(pem)[-POINT_BYTES:],
            "check_p256(key, signature, sizeof signature, data, sizeof data)",
            (
                EXAMPLE / "check_p256.c",
                *(mbedtls / "library" / f"{name}.c" for name in MBEDTLS_FILES),
            ),
            (mbedtls / "include", mbedtls / "library"),
        ),
    }


def fetch(folder: Path) -> None:
    """The sources of both libraries."""
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    as_source = ["--no-binary", ":all:", "--no-build-isolation"]
    subprocess.run([*download, *as_source, "-d", folder, MONOCYPHER], check=True)
    source = ["apt-get", "source", "-qq", "--download-only", MBEDTLS]
    subprocess.run(source, check=True, cwd=folder)
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")


def figures(check: Check, folder: Path) -> str:
    """Sign a file, let the C check it, and tell what that took."""
    data = folder / "data.bin"
    data.write_bytes(bytes(range(256)) * (DATA_BYTES // 256))
    key = signing.secret_key_for(data, KEYS / check.secret)
    signature = signing.sign_data(data, data.read_bytes(), key).path.read_bytes()
    if signature.startswith(b"untrusted"):
        signature = base64.b64decode(signature.splitlines()[1])
    arrays = {"KEY": check.key, "SIGNATURE": signature, "DATA": data.read_bytes()}
    lines = [f"#define {name} {', '.join(map(str, value))}\n" for name, value in arrays.items()]
    (folder / "signed.h").write_text("".join(lines))
    program = compiled(check, folder, check.call)
    without = compiled(check, folder, "0")
    done = subprocess.run(
        [*BOARD.emulator, program], check=True, capture_output=True, text=True, timeout=60
    )
    said = re.fullmatch(r"(\d+) good refused\n", done.stdout + done.stderr)
    if said is None:
        sys.exit(f"the check is wrong: {done.stdout}{done.stderr}")
    flash, ram = (a - b for a, b in zip(sizes(program), sizes(without), strict=True))
    return (
        f"{flash:,} bytes of flash, {ram:,} of RAM beside the stack, "
        f"{int(said[1]) / 1e6:.1f} million instructions for {DATA_BYTES // 1024} KiB"
    )


def compiled(check: Check, folder: Path, call: str) -> Path:
    """The program with a check in it, or 0 in its place."""
    program = folder / "program.elf" if call != "0" else folder / "without.elf"
    includes = [f"-I{path}" for path in (folder, EXAMPLE, SOURCES, *check.includes)]
    command: Iterable[str | Path] = [
        BOARD.compiler, "-Os", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections",
        '-DMBEDTLS_CONFIG_FILE="mbedtls_config.h"', f"-DCHECK(data)=({call})", *includes,
        EXAMPLE / "main.c", *check.sources, SOURCES / BOARD.start, "-o", program,
        *BOARD.flags, "-lc", "-lgcc",
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return program


def sizes(program: Path) -> tuple[int, int]:
    """Bytes of flash and of RAM that a program takes."""
    shown = subprocess.run(
        [f"{BOARD.tools}size", program], check=True, capture_output=True, text=True
    )
    text, data, bss = map(int, shown.stdout.splitlines()[1].split()[:3])
    return text + data, data + bss


if __name__ == "__main__":
    main()
