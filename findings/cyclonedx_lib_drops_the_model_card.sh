#!/usr/bin/env bash
# CycloneDX's Python library reads a bill of a machine-learning model and writes it without its model card.
#
# Behaviour  a valid bill with a component of the type machine-learning-model, a modelCard (task, architecture, data,
#            metrics) and a data component is read by `Bom.from_json` without a word and written again: the card and
#            the description of the data are gone. The result is valid, too. A tool that merges or signs bills with
#            this library hands on a model without what was measured of it.
# Expected   both kept, or an error: its own validator knows them
# Seen       cyclonedx-python-lib 11.12.0
#            valid before: True, with modelCard and data
#            valid after: True, without modelCard and data
pins=(cyclonedx-python-lib==11.12.0 jsonschema==4.26.0 referencing==0.37.0 lxml==6.1.1 rfc3339-validator==0.1.4)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore <<'EOF'
import json

from cyclonedx.model.bom import Bom
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

metric = {"type": "rmse", "value": "301.5", "slice": "test"}
card = {
    "modelParameters": {"task": "forecasting", "architectureFamily": "LSTM"},
    "quantitativeAnalysis": {"performanceMetrics": [metric]},
}
bill = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {
        "component": {
            "type": "machine-learning-model", "bom-ref": "model", "name": "lstm", "modelCard": card
        }
    },
    "components": [
        {"type": "data", "bom-ref": "data", "name": "table.csv", "data": [{"type": "dataset"}]}
    ],
    "dependencies": [{"ref": "model", "dependsOn": ["data"]}],
}


def what_is_there(text):
    found = json.loads(text)
    model = found["metadata"]["component"]
    (data,) = (entry for entry in found["components"] if entry["type"] == "data")
    return "modelCard" in model, "data" in data


validator = JsonStrictValidator(SchemaVersion.V1_6)
before = json.dumps(bill)
after = JsonV1Dot6(Bom.from_json(bill)).output_as_string()
for when, text in (("before", before), ("after", after)):
    has = "with" if all(what_is_there(text)) else "without"
    print(f"valid {when}: {validator.validate_str(text) is None}, {has} modelCard and data")
if not all(what_is_there(before)) or any(what_is_there(after)):
    raise SystemExit("changed: what is kept of a model's bill")
EOF
