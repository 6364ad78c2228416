"""Past one process: folders of tables, and tables of Ray, Spark, Dask and MLflow, answered."""

from .answered import Answered, Choices, answer
from .carried import Carried
from .folder import FolderReport, run_folder
from .partition_work import Outcome

__all__ = [
    "Answered",
    "Carried",
    "Choices",
    "FolderReport",
    "Outcome",
    "answer",
    "run_folder",
]
