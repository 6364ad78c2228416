"""Past one process: folders of tables, and tables of Ray, Spark, Dask and MLflow, answered."""

from .answered import Answered, Choices, answer
from .carried import Carried
from .folder import FolderReport, run_folder
from .mlflow_flavor import mlflow_model
from .on_spark import spark_schema
from .partition_work import Outcome
from .predictor import Predictor
from .wholeness import check_whole, ends_of

__all__ = [
    "Answered",
    "Carried",
    "Choices",
    "FolderReport",
    "Outcome",
    "Predictor",
    "answer",
    "check_whole",
    "ends_of",
    "mlflow_model",
    "run_folder",
    "spark_schema",
]
