"""How much of a forward the weights alone tell: recognition of modules written as users write them.

python -m scripts.study.recognition                 # the figures in docs/checkpoints.md
python -m scripts.study.recognition --example DIR   # the page's example, written into DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from lstm_export.chains import from_state_dict
from lstm_export.chains.find_parts import find_parts
from lstm_export.reading import contents_of
from tests.kit.named_differences import unnamed_differences
from tests.kit.user_modules import MODULES, make

MODELS = '''"""A regressor, as its user wrote it."""

from torch import nn


class LoadForecaster(nn.Module):
    def __init__(self, input_size=4, hidden_size=16):
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers=2, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(hidden_size, 8), nn.GELU(), nn.Dropout(0.1), nn.Linear(8, 1)
        )

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1]).squeeze(-1)
'''


def main() -> None:
    """Print the figures, or write the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--example", type=Path, metavar="DIR", help="write the page's example there"
    )
    folder = parser.parse_args().example
    if folder:
        example(folder)
        return
    plain = 0
    wrong = 0
    quiet = 0
    proved = 0
    for name, module in MODULES.items():
        state = make(name).state_dict()
        assumed = from_state_dict(state)
        right = assumed.forward == module.forward
        prefixes = {part.token for part in find_parts(contents_of(state).arrays).known}
        unnamed = unnamed_differences(assumed.forward, module.forward, assumed.doubts, prefixes)
        live = from_state_dict(make(name).state_dict(), module=make(name))
        found = live.forward.replace(" dropout,", "") == module.forward.replace(" dropout,", "")
        proved += found and live.model.origin.startswith("proved")
        plain += module.plain and right
        wrong += not right
        quiet += bool(unnamed)
        missing = f"  not named: {', '.join(unnamed)}" if unnamed else ""
        print(f"{'as assumed' if right else 'otherwise ':10}  {name:24}  {module.forward}{missing}")
    plains = sum(module.plain for module in MODULES.values())
    kind = "one recurrent module, one Linear, nothing traceless"
    print(f"{kind}: {plain} of {plains} recognised by the weights alone")
    print(f"all {len(MODULES)} modules: {len(MODULES) - wrong} as assumed, {wrong} otherwise")
    print(f"of those otherwise, without their own difference among the doubts: {quiet}")
    print(f"with the live module: {proved} of {len(MODULES)} proved")


def example(folder: Path) -> None:
    """The class, and its checkpoint as a training loop saves it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.py").write_text(MODELS, encoding="utf-8")
    namespace: dict[str, type[torch.nn.Module]] = {}
    exec(MODELS, namespace)  # noqa: S102 - the text above
    torch.manual_seed(2)  # outputs of both signs, which tell a ReLU at the end
    module = namespace["LoadForecaster"]()
    torch.save(
        {"epoch": 40, "model_state_dict": module.state_dict(), "val_loss": 0.018},
        folder / "checkpoint.pt",
    )


if __name__ == "__main__":
    main()
