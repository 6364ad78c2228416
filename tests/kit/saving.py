"""The ways in which people save a module."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lstm_export.chains import from_state_dict


def _bare(module: nn.Module, path: Path) -> None:
    torch.save(module.state_dict(), path)


def _nested(module: nn.Module, path: Path) -> None:
    optimizer = torch.optim.Adam(module.parameters())
    checkpoint = {
        "epoch": 12,
        "model_state_dict": module.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "loss": 0.0123,
        "config": {"window": 24, "features": ["load", "speed"]},
    }
    torch.save(checkpoint, path)


def _lightning(module: nn.Module, path: Path) -> None:
    checkpoint = {
        "epoch": 3,
        "global_step": 400,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {f"model.{key}": tensor for key, tensor in module.state_dict().items()},
        "hyper_parameters": {"lr": 1e-3, "hidden_size": 50},
        "optimizer_states": [],
        "lr_schedulers": [],
    }
    torch.save(checkpoint, path)


def _prefixed(prefix: str) -> Callable[[nn.Module, Path], None]:
    return lambda module, path: torch.save(
        {prefix + key: tensor for key, tensor in module.state_dict().items()}, path
    )


def _double(module: nn.Module, path: Path) -> None:
    torch.save(module.double().state_dict(), path)


def _half(module: nn.Module, path: Path) -> None:
    torch.save(module.half().state_dict(), path)


def _safetensors(module: nn.Module, path: Path) -> None:
    """As the safetensors package writes them: names sorted within a type."""
    header: dict[str, Any] = {}
    data = b""
    kinds = {torch.float32: "F32", torch.int64: "I64"}
    for key, tensor in sorted(module.state_dict().items()):
        raw = tensor.contiguous().numpy().tobytes()
        header[key] = {
            "dtype": kinds[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def _torchscript(module: nn.Module, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that TorchScript is deprecated
        example = torch.zeros(2, 3, from_state_dict(module.state_dict()).model.signature.input_size)
        torch.jit.trace(module, example, check_trace=False).save(str(path))


WAYS: Mapping[str, tuple[str, Callable[[nn.Module, Path], None]]] = {
    "bare": ("model.pth", _bare),
    "nested": ("checkpoint.pt", _nested),
    "Lightning": ("epoch=3-step=400.ckpt", _lightning),
    "DataParallel": ("model.pth", _prefixed("module.")),
    "compiled": ("model.pt", _prefixed("_orig_mod.")),
    "both": ("model.pt", _prefixed("module._orig_mod.")),
    "float64": ("model.pt", _double),
    "float16": ("model.pt", _half),
    "safetensors": ("model.safetensors", _safetensors),
    "TorchScript": ("model.pt", _torchscript),
}
