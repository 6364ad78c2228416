"""Write tests/golden/scalers.joblib: scalers as scikit-learn fits and joblib dumps them.

pip install scikit-learn pandas
python -m scripts.golden.make_scalers
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
COLUMNS = ["temperature", "pressure", "flow"]


def main() -> None:
    """Fit them on a few named columns, and save them with what they make of these."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    import joblib
    import pandas
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import (
        MaxAbsScaler,
        MinMaxScaler,
        PowerTransformer,
        RobustScaler,
        StandardScaler,
    )

    x = np.random.default_rng(0).normal((20, 1013, 5), (5, 10, 0.1), (20, 3))
    table = pandas.DataFrame(x, columns=COLUMNS)
    scalers = {
        "robust": RobustScaler(),
        "robust, no center": RobustScaler(with_centering=False),
        "largest": MaxAbsScaler(),
        "one after another": make_pipeline("passthrough", StandardScaler(), MinMaxScaler((-1, 1))),
        "powers": PowerTransformer(),
        "powers first": make_pipeline(PowerTransformer(), MinMaxScaler()),
        "clipped": MinMaxScaler(clip=True),
    }
    for scaler in scalers.values():
        scaler.fit(table)
    scaled = {name: scaler.transform(table) for name, scaler in scalers.items()}
    content = {"scalers": {**scalers, "unfitted": StandardScaler()}, "x": x, "scaled": scaled}
    joblib.dump(content, GOLDEN / "scalers.joblib")


if __name__ == "__main__":
    main()
