"""Every kind of file that is refused: what it is, how to make one, and what its sentence must say.

`docs/refused_checkpoints.md` is made of this table by `scripts/docs/make_refused.py`.
"""

from .case import Case
from .damaged import DAMAGED
from .frameworks import FRAMEWORK_FILES
from .objects import OBJECTS
from .other_programs import OTHER_FILES
from .values import SAFETENSORS, VALUES

GROUPS: dict[str, list[Case]] = {
    "Files of another kind": OTHER_FILES,
    "Files of frameworks": FRAMEWORK_FILES,
    "Damaged and altered files": DAMAGED,
    "Other objects than a state_dict": OBJECTS,
    "Weights that cannot be used": VALUES,
    "safetensors": SAFETENSORS,
}
CASES = {what: (make, message) for group in GROUPS.values() for what, make, message in group}
