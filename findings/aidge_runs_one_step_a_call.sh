#!/usr/bin/env bash
# Aidge runs an LSTM from ONNX for one step, and at the next call for another one.
#
# Behaviour  `load_onnx`, `compile` and `forward`, as for any other network: Y is the first step with
#            zeros behind it, Y_h and Y_c are the state after that step. The second call goes on from
#            there with the third step, the third call with the fifth, whatever window each is given.
#            A line of the log tells of "remaining consumers"; nothing fails. With `expand_metaops`
#            before `compile` the first call is right. GRU and RNN, and an LSTM whose initial states
#            are left out, are refused.
# Expected   each call reads its whole window, and starts anew
# Seen       aidge-core 0.10.1, aidge-onnx 0.10.1, aidge-backend-cpu 0.10.1, onnxruntime 1.32.0,
#            onnx 1.23.2
#            call 1: Y_h 7e-01 off, 3e-08 off from the steps 1 alone
#            call 2: Y_h 5e-01 off, 6e-08 off from the steps 1 3 alone
#            call 3: Y_h 6e-01 off, 6e-08 off from the steps 1 3 5 alone
#            with expand_metaops: Y_h 6e-08 off
pins=(aidge-core==0.10.1 aidge-onnx==0.10.1 aidge-backend-cpu==0.10.1)
pins+=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'PY'
import aidge_backend_cpu  # noqa: F401 - it registers its kernels
import aidge_core
import aidge_onnx
import numpy as np
import onnx
from onnx import numpy_helper
from tiny_onnx import answers, changed, recurrent

aidge_core.Log.set_console_level(aidge_core.Level.Error)
x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)
states = ", float[1, 2, 4] H, float[1, 2, 4] C"
model = recurrent(batch=2, names=", , H, C", inputs=states)
del model.graph.input[1:]
for name in ("H", "C"):
    zeros = np.zeros((1, 2, 4), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(zeros, name))
onnx.save(model, "model.onnx")


class Compiled:
    """The model in Aidge; `ask` gives Y_h of x."""

    def __init__(self, expanded):
        self.graph = aidge_onnx.load_onnx("model.onnx")
        if expanded:
            aidge_core.expand_metaops(self.graph, True)
        self.graph.compile("cpu", aidge_core.dtype.float32, dims=[list(x.shape)])
        self.scheduler = aidge_core.SequentialScheduler(self.graph)

    def ask(self):
        self.scheduler.forward(True, [aidge_core.Tensor(x)])
        node, index = self.graph.get_ordered_outputs()[1]
        return np.array(node.get_operator().get_output(index)).copy()


def away(found, window):
    """How far Y_h is from the right one of a window."""
    return np.abs(found - answers(model, X=window)[1]).max()


as_loaded = Compiled(expanded=False)
read = []
for call in (1, 2, 3):
    read.append(2 * call - 1)
    found = as_loaded.ask()
    off = away(found, x)
    off_from_read = away(found, x[[step - 1 for step in read]])
    steps = " ".join(map(str, read))
    print(f"call {call}: Y_h {off:.0e} off, {off_from_read:.0e} off from the steps {steps} alone")
    if off < 1e-2 or off_from_read > 1e-5:
        changed(f"call {call}")

off = away(Compiled(expanded=True).ask(), x)
print(f"with expand_metaops: Y_h {off:.0e} off")
if off > 1e-5:
    changed("with expand_metaops")
PY
