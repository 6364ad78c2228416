"""The engine that needs numpy alone: every stage, sequences, lengths and streams, in float32."""

from .numpy_runner import NumpyRunner, NumpyStreamRunner, numpy_runner

__all__ = ["NumpyRunner", "NumpyStreamRunner", "numpy_runner"]
