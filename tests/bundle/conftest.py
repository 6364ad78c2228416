"""The models of the device's tests serve here too."""

from tests.device.conftest import every_step_model, traffic_model

__all__ = ["every_step_model", "traffic_model"]
