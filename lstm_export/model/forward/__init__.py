"""The float64 forward: the definition of what a model computes, written from the equations.

Every engine is judged against these functions, so they favour reading over speed: numpy alone, one
loop, over time. Equations: torch.nn.LSTM, GRU, Linear, LayerNorm and torch.nn.functional's
activations in PyTorch's documentation.
"""

from .equations import BATCH_NORM_EPS
from .evaluation import Output, Partway, advance, begin, forward, stage_alone, value_after
from .variation import CORRECT, Choices, Noise

__all__ = [
    "BATCH_NORM_EPS",
    "CORRECT",
    "Choices",
    "Noise",
    "Output",
    "Partway",
    "advance",
    "begin",
    "forward",
    "stage_alone",
    "value_after",
]
