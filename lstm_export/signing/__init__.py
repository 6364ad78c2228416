"""Who made a file: signatures that minisign and openssl make and check, too.

A signature lies beside its file, which is checked before a byte of it is parsed. Knows no bundle.
"""

from .folders import sign_folder, signed_folder
from .keys import PublicKey, SecretKey, read_public_key
from .signed import Signed, secret_key_for, sign_data, signed_bytes

__all__ = [
    "PublicKey",
    "SecretKey",
    "Signed",
    "read_public_key",
    "secret_key_for",
    "sign_data",
    "sign_folder",
    "signed_bytes",
    "signed_folder",
]
