"""Who made a file: signatures that minisign and openssl make and check, too.

A signature lies beside its file, which is checked before a byte of it is parsed. Knows no bundle.
"""

from .folders import folder_contents, list_path, sign_folder, signed_folder
from .keys import PublicKey, SecretKey, key_file, read_public_key
from .oms import ONLY_FILE, p256_key, sign_oms
from .signed import Signed, secret_key_for, sign_data, signature_by, signed_bytes

__all__ = [
    "ONLY_FILE",
    "PublicKey",
    "SecretKey",
    "Signed",
    "folder_contents",
    "key_file",
    "list_path",
    "p256_key",
    "read_public_key",
    "secret_key_for",
    "sign_data",
    "sign_folder",
    "sign_oms",
    "signature_by",
    "signed_bytes",
    "signed_folder",
]
