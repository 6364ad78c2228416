"""Write tests/golden/foreign.*: what other packages really put into such files.

pip install scikit-learn omegaconf safetensors
python -m scripts.golden.make_foreign_checkpoints
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"


def main() -> None:
    """Fit scalers on a few numbers and save them beside weights, with what they make of these
    numbers.
    """
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    import safetensors.torch
    from omegaconf import OmegaConf
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    torch.manual_seed(0)
    weights = torch.nn.LSTM(3, 2).state_dict()
    x = np.random.default_rng(0).normal((5, 0, -3), (1, 10, 0.1), (20, 3))
    scalers = {
        "standard": StandardScaler().fit(x),
        "no mean": StandardScaler(with_mean=False).fit(x),
        "no std": StandardScaler(with_std=False).fit(x),
        "minmax": MinMaxScaler((-1, 1)).fit(x),
    }
    content = {
        "model": weights,
        "scalers": scalers,
        "clipped": MinMaxScaler(clip=True).fit(x),
        "best": np.float64(0.25),
        "epochs": np.int64(3),
        "history": np.zeros(3),
        "config": OmegaConf.create({"model": {"hidden": 2, "layers": [1, 2]}, "lr": 1e-3}),
        "x": x.tolist(),
        "scaled": {name: scaler.transform(x).tolist() for name, scaler in scalers.items()},
    }
    torch.save(content, GOLDEN / "foreign.pt")
    others = {"h": torch.arange(4.0).view(2, 2).half(), "i": torch.arange(3)}
    safetensors.torch.save_file(
        {**weights, **others}, GOLDEN / "foreign.safetensors", metadata={"made": "for tests"}
    )


if __name__ == "__main__":
    main()
