"""How well a model does on a table, beside baselines, and what its artifacts add to its error."""

from .error_figures import ErrorFigures, figures_of
from .evaluate import Cost, Evaluation, evaluate

__all__ = ["Cost", "ErrorFigures", "Evaluation", "evaluate", "figures_of"]
