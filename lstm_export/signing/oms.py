"""An OpenSSF model signature (OMS), which the package `model-signing` checks: ECDSA on P-256.

The form is that of model-signing 1: a Sigstore bundle whose DSSE envelope holds an in-toto
statement with the sha256 of every file (https://github.com/ossf/model-signing-spec, and
https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md for what is signed).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import check_output, write_bytes
from .keys import SecretKey
from .p256 import P256SecretKey
from .signed import Signed, signature_path

SUFFIX = ".oms.json"
ONLY_FILE = "."  # the name of a file that is signed by itself
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_PAYLOAD = "application/vnd.in-toto+json"


def p256_key(path: Path, key: SecretKey) -> P256SecretKey:
    """The key, once it is known that it can sign `path` in this form.

    Raises:
        InputError: it is of another kind, or the signature's file cannot be written.
    """
    if not isinstance(key, P256SecretKey):
        raise InputError(
            f"an OpenSSF signature takes a key in PEM on P-256, not a {key.name}; name such a key, "
            "or leave out --oms"
        )
    check_output(signature_path(path, SUFFIX), path)
    return key


def sign_oms(path: Path, contents: Mapping[str, bytes], key: P256SecretKey) -> Signed:
    """Sign the files of a folder, or a lone one under the name `.`, and write the bundle beside.

    Equal contents give equal bytes.

    Raises:
        InputError: it cannot be written.
    """
    payload = _json(_statement(path.name, contents))
    signature = key.signature_of(_to_be_signed(payload), "")
    hint = hashlib.sha256(key.public_pem()).hexdigest()
    envelope = {
        "payload": _base64(payload),
        "payloadType": _PAYLOAD,
        "signatures": [{"sig": _base64(signature), "keyid": ""}],
    }
    bundle = {
        "mediaType": _BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    beside = signature_path(path, SUFFIX)
    write_bytes(beside, _json(bundle))
    return Signed(beside, key.name)


def _statement(name: str, contents: Mapping[str, bytes]) -> dict[str, Any]:
    root = hashlib.sha256()  # over the digests, in the order of the names
    resources = []
    for file, content in sorted(contents.items()):
        digest = hashlib.sha256(content)
        root.update(digest.digest())
        resources.append({"name": file, "algorithm": "sha256", "digest": digest.hexdigest()})
    serialization = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": [],
    }
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": root.hexdigest()}}],
        "predicateType": _PREDICATE,
        "predicate": {"resources": resources, "serialization": serialization},
    }


def _to_be_signed(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)} ".encode() + payload


def _json(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True).encode("ascii")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
