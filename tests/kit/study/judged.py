"""What the rule and the fixed tolerances say of a chain, correct and with every bug."""

from __future__ import annotations

import time

import numpy as np
import onnxruntime as ort

from lstm_export.device.onnx_runner import OnnxRunner
from lstm_export.device.runtime import runtime_errors
from lstm_export.errors import LstmExportError
from lstm_export.model import Array, Model, Runner, forward
from lstm_export.model.lowering import lower_projections
from lstm_export.parity import ParityReport, check
from lstm_export.targets import onnx as target
from lstm_export.targets.onnx.reader import from_bytes
from lstm_export.targets.onnx.writer import to_bytes
from tests.kit.fixed_tolerances import FIXED
from tests.kit.mutant_files import Mutant, mutants
from tests.kit.random_chains import LARGEST_HIDDEN

from .case import Case
from .records import Record


def structure(data: bytes, model: Model) -> str:
    """R1: what differs between the model and what the file holds; empty where nothing does."""
    try:
        found = from_bytes(data)
    except LstmExportError as error:
        return str(error)
    expected = lower_projections(model)
    return (
        ""
        if found == expected
        else "; ".join(expected.differences(found)) or "the signature differs"
    )


def worst(report: ParityReport) -> float | None:
    """The largest share of its bound that a judged set used; infinity for NaN, None where no set
    was judged.
    """
    shares = [
        judged.error / judged.bound
        for judged in report.sets
        if judged.verdict != "cannot be judged"
    ]
    return max(np.inf if np.isnan(share) else share for share in shares) if shares else None


def tolerated(y: Array, case: Case) -> dict[str, bool]:
    """What the fixed tolerances say of an answer to the nominal set."""
    expected = case.pytorch(case.nominal.x)
    with np.errstate(all="ignore"):
        return {
            name: y.shape == expected.shape and passes(y, expected)
            for name, passes in FIXED.items()
        }


def alarm(
    seed: int, index: int, largest_hidden: int = LARGEST_HIDDEN, *, graphs: bool = False
) -> Record:
    """One correct artifact, judged."""
    start = time.process_time()
    case = Case.draw(seed, index, largest_hidden, graphs=graphs)
    data = to_bytes(case.model, target.DEFAULT_OPSET)
    runner = target.load(data)
    reports = {
        "onnx": check(runner, case.golden, subject="onnx"),
        "pytorch": check(case.pytorch, case.golden, subject="pytorch"),
    }
    return {
        "index": index,
        "gain": case.gain,
        "chain": case.model.describe(),
        "window": case.model.signature.window,
        "structure": structure(data, case.model),
        "not_judged": [
            judged.name for judged in reports["onnx"].sets if judged.verdict == "cannot be judged"
        ],
        "verdict": {name: report.verdict for name, report in reports.items()},
        "worst": {name: worst(report) for name, report in reports.items()},
        "fixed": tolerated(runner(case.nominal.x), case),
        "seconds": round(time.process_time() - start, 3),
    }


def mutant_kinds(
    seed: int, index: int, largest_hidden: int = 64, *, graphs: bool = False
) -> Record:
    """Every kind of bug that applies to one chain, judged."""
    start = time.process_time()
    case = Case.draw(seed, index, largest_hidden, graphs=graphs)
    random = np.random.default_rng([seed, index, 1])
    found = [
        {
            "kind": mutant.kind,
            "group": mutant.group,
            "r1": bool(structure(mutant.data, case.model)),
            **_by_numbers(mutant, case),
        }
        for mutant in mutants(case.model, random)
    ]
    return {
        "index": index,
        "gain": case.gain,
        "chain": case.model.describe(),
        "mutants": found,
        "seconds": round(time.process_time() - start, 3),
    }


def _by_numbers(mutant: Mutant, case: Case) -> Record:
    """R2 alone, the fixed tolerances, and whether the bug matters: whether it moves float64 by more
    than the bound.
    """
    runner = unguarded(mutant.data)
    report = check(runner, case.golden, subject=mutant.kind)
    try:
        fixed = tolerated(runner(case.nominal.x), case)
    except LstmExportError:  # it refuses the example itself
        fixed = dict.fromkeys(FIXED, False)
    caught = report.verdict == "failed"
    return {"r2": caught, "matters": caught or _matters(mutant, case), "fixed": fixed}


def unguarded(data: bytes) -> Runner:
    """Without the guard of this package, which would refuse some of the mutants before they are
    judged.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return OnnxRunner(session, runtime_errors(ort))


def _matters(mutant: Mutant, case: Case) -> bool:
    if mutant.model is None:
        return True  # what it computes is not known here
    exact = mutant.model
    change = mutant.change
    return (
        check(lambda x: forward(exact, change(x)).y, case.golden, subject="float64").verdict
        == "failed"
    )
