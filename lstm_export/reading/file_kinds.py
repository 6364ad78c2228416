"""What a file is by its first bytes, where it is nothing that is read here: one sentence each."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..errors import quoted
from .frameworks import of_entries

SNIPPET = 'torch.save(model.state_dict(), "model.pt")'
_EXPECTED = f"expected a PyTorch checkpoint, made with {SNIPPET}"
_UNPACK = "unpack it first, and give the checkpoint inside"
_TO_STATE_DICT = "load the weights where the model was made, and save them as a PyTorch state_dict"
_PROGRAM_WEIGHTS = 'torch.save(torch.export.load("FILE").state_dict, "model.pt")'
_CHECKPOINT_ENDINGS = (".pt", ".pth", ".ckpt", ".safetensors", ".onnx")

_Test = Callable[[bytes], bool]


def _starts(*prefixes: bytes, at: int = 0) -> _Test:
    return lambda head: head[at:].startswith(prefixes)


def _text_starts(*prefixes: bytes) -> _Test:
    """The same, over white space, byte order marks and case."""
    return lambda head: head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(prefixes)


def _zeros_alone(head: bytes) -> bool:
    return bool(head) and not any(head)


# In this order: the first that fits.
KINDS: tuple[tuple[_Test, str], ...] = (
    (
        _starts(b"version https://git-lfs"),
        "is a Git LFS pointer, not the weights; fetch them with: git lfs pull",
    ),
    (_starts(b"\x89HDF"), f"is HDF5, as Keras and MATLAB write it; {_TO_STATE_DICT}"),
    (_starts(b"TFL3", at=4), f"is a TensorFlow Lite model; {_TO_STATE_DICT}"),
    (_starts(b"ET12", b"ET13", at=4), f"is an ExecuTorch program; {_EXPECTED}"),
    (
        _starts(b"GGUF", b"lmgg", b"ggjt", b"fmgg"),
        f"holds weights of a language model (GGUF); {_EXPECTED}",
    ),
    (_starts(b"\x93NUMPY"), f"is a numpy array, as data are saved; {_EXPECTED}"),
    (_starts(b"PAR1"), f"is a Parquet table; {_EXPECTED}"),
    (_starts(b"ARROW1", b"FEA1"), f"is an Arrow table; {_EXPECTED}"),
    (_starts(b"SQLite format 3"), f"is an SQLite database; {_EXPECTED}"),
    (_starts(b"MATLAB 5.0"), f"is a MATLAB file; {_EXPECTED}"),
    (_starts(b"RDX", b"RDA"), f"is a file of R; {_EXPECTED}"),
    (_starts(b"\x1f\x8b"), f"is compressed with gzip; {_UNPACK}: gunzip"),
    (
        _starts(b"\x78\x9c", b"\x78\x5e", b"\x78\xda"),
        "is compressed with zlib, as joblib does; write it uncompressed: "
        'joblib.dump(joblib.load("FILE"), "model.joblib")',
    ),
    (_starts(b"BZh"), f"is compressed with bzip2; {_UNPACK}: bunzip2"),
    (_starts(b"\xfd7zXZ"), f"is compressed with xz; {_UNPACK}: unxz"),
    (_starts(b"\x28\xb5\x2f\xfd"), f"is compressed with Zstandard; {_UNPACK}: unzstd"),
    (_starts(b"7z\xbc\xaf"), f"is a 7-Zip archive; {_UNPACK}"),
    (_starts(b"Rar!"), f"is a RAR archive; {_UNPACK}"),
    (_starts(b"ustar", at=257), f"is a tar archive; {_UNPACK}: tar -xf"),
    (_starts(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM"), f"is a picture; {_EXPECTED}"),
    (_starts(b"%PDF"), f"is a PDF document; {_EXPECTED}"),
    (_starts(b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe"), f"is a program or a library; {_EXPECTED}"),
    (_starts(b"ftrt", b"ptrt"), f"is a TensorRT engine, made for one graphics card; {_EXPECTED}"),
    (_starts(b"\xff\xfe", b"\xfe\xff"), f"is text in UTF-16; {_EXPECTED}"),
    (
        _text_starts(b"<!doctype html", b"<html", b"<head"),
        "is a web page, where a download should be; download the file itself, not the page about "
        "it",
    ),
    (
        _text_starts(b"<?xml", b"<net "),
        f"is XML: an error page of a store, or OpenVINO's; {_EXPECTED}",
    ),
    (
        _text_starts(b"{", b"["),
        f"is JSON, such as a configuration or an index of weights; {_EXPECTED}",
    ),
    (
        _text_starts(b"import ", b"from ", b"#!", b"class ", b"def ", b'"""'),
        f"is source code; {_EXPECTED}",
    ),
    (_zeros_alone, "holds zeros alone: a download or a copy that failed; copy it again"),
)


def name_kind(head: bytes) -> str | None:
    """What the first 512 bytes or more give away, as the rest of a sentence after `the file`."""
    for fits, sentence in KINDS:
        if fits(head):
            return sentence
    return None


def name_unknown(head: bytes) -> str:
    """The sentence for a file that no test knows."""
    start = head[:512]
    is_text = start.isascii() and b"\0" not in start
    kind = "text" if is_text else "of an unknown kind"
    return f"is {kind}; {_EXPECTED}"


def name_zip(names: Collection[str]) -> str:
    """The sentence for a zip archive without torch's `data.pkl`, from the names in it."""
    ends = {name.rpartition("/")[2] for name in names}
    framework = of_entries(ends)
    if framework is not None:
        return framework.sentence
    checkpoints = [name for name in names if name.endswith(_CHECKPOINT_ENDINGS)]
    first = quoted(checkpoints[0]) if checkpoints else ""
    are_arrays = bool(names) and all(name.endswith(".npy") for name in names)
    is_program = "archive_format" in ends or "serialized_exported_program.json" in ends
    # In this order: the first that fits.
    kinds: tuple[tuple[bool, str], ...] = (
        (
            ends >= {"manifest.json", "weights.npz"},
            "is a bundle that was packed again; package the model again",
        ),
        (is_program, f"is a torch.export program; save its weights alone: {_PROGRAM_WEIGHTS}"),
        (
            "extern_modules" in ends,
            f"is a torch.package archive, which holds code; {_EXPECTED}",
        ),
        (bool(checkpoints), f"is a zip archive around {first}; {_UNPACK}"),
        (are_arrays, f"is an .npz archive of numpy arrays; {_EXPECTED}"),
        ("saved_model.pb" in ends, f"is a TensorFlow SavedModel; {_TO_STATE_DICT}"),
        ("[Content_Types].xml" in ends, f"is an office document; {_EXPECTED}"),
    )
    for fits, sentence in kinds:
        if fits:
            return sentence
    return f"is a zip archive without a data.pkl; {_EXPECTED}"
