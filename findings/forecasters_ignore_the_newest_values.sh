#!/usr/bin/env bash
# The first of h forecasts of darts' BlockRNNModel and neuralforecast's LSTM has not seen the
# newest h - 1 values.
#
# Behaviour  both answer h steps from the LSTM's last h outputs, one each, through one shared head,
#            and not from the last output. Forecast 1 comes from the output h - 1 steps before the
#            end of the window, so changing the newest h - 1 values cannot move it. A chain `lstm,
#            last, fc` with the checkpoint's weights, whose shapes fit, computes something else.
# Expected   every forecast is made from the whole window
# Seen       darts 0.48.1, neuralforecast 3.3.0, torch 2.13.0; 12 values in, 4 out
#            which forecasts move when the newest 1, 2, 3, 4 values change
#            darts BlockRNNModel: [4]; [3, 4]; [2, 3, 4]; [1, 2, 3, 4]
#            neuralforecast LSTM: [4]; [3, 4]; [2, 3, 4]; [1, 2, 3, 4]
pins=(darts==0.48.1 neuralforecast==3.3.0 torch==2.13.0)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore 2>log <<'EOF' || { tail -1 log; exit 1; }
import logging

import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.models import BlockRNNModel
from neuralforecast import NeuralForecast
from neuralforecast.models import LSTM

logging.disable(logging.CRITICAL)
WINDOW = 12
HORIZON = 4
QUIET = {
    "enable_progress_bar": False,
    "logger": False,
    "accelerator": "cpu",
    "enable_model_summary": False,
}
values = np.sin(np.arange(60)).astype(np.float32)


def with_darts():
    model = BlockRNNModel(
        input_chunk_length=WINDOW,
        output_chunk_length=HORIZON,
        model="LSTM",
        hidden_dim=8,
        n_epochs=1,
        random_state=0,
        pl_trainer_kwargs=QUIET,
    )
    model.fit(TimeSeries.from_values(values))
    return lambda window: (
        model.predict(HORIZON, series=TimeSeries.from_values(window)).values().ravel()
    )


def with_neuralforecast():
    def table(column):
        times = pd.date_range("2020", periods=len(column), freq="h")
        return pd.DataFrame({"unique_id": "a", "ds": times, "y": column})

    model = LSTM(
        h=HORIZON, input_size=WINDOW, max_steps=1, encoder_hidden_size=8, random_seed=0, **QUIET
    )
    forecaster = NeuralForecast(models=[model], freq="h")
    forecaster.fit(table(values))
    return lambda window: forecaster.predict(table(window))["LSTM"].to_numpy()


print(f"which forecasts move when the newest 1, 2, 3, {HORIZON} values change")
for name, make in (
    ("darts BlockRNNModel", with_darts),
    ("neuralforecast LSTM", with_neuralforecast),
):
    forecast = make()
    before = forecast(values[-WINDOW:])
    moved = []
    for newest in range(1, HORIZON + 1):
        window = values[-WINDOW:].copy()
        window[-newest:] += 10
        moved.append((np.flatnonzero(np.abs(forecast(window) - before) > 1e-6) + 1).tolist())
    print(f"{name}: {'; '.join(map(str, moved))}")
    if moved != [[4], [3, 4], [2, 3, 4], [1, 2, 3, 4]]:
        raise SystemExit(f"changed: {name}")
EOF
