"""What a file is, whether it may run, and its runner."""

from __future__ import annotations

from .. import targets
from ..bundle import Bundle
from ..errors import MissingDependency, require


def not_run(target: str, trusted: bool) -> str:
    """Why an artifact of a bundle is not run here; empty where it is."""
    if target not in targets.names():
        return "this version does not know the target"
    module = targets.get(target)
    if getattr(module, "runs_code", False) and not trusted and not hasattr(module, "from_model"):
        return "opening it runs code; name the model that the bundle was made from if you trust it"
    try:
        if module.needs:
            require(module.needs, module.extra, f"running {target}")
    except MissingDependency as error:
        return str(error)
    return targets.missing(module)


def bundle_runner(bundle: Bundle, target: str, providers: tuple[str, ...] = ()) -> targets.ArtifactRunner:
    """A runner for one target of a bundle: of its artifact, or made from its weights where a target can do that."""
    module = targets.get(target)
    if hasattr(module, "from_model"):
        made: targets.ArtifactRunner = module.from_model(bundle.model)
        return made
    return module.load(bundle.artifacts[target], providers)


def engines(bundle: Bundle) -> tuple[str, ...]:
    """What a bundle can be run with: the targets of its artifacts, and those that need only its weights."""
    made = [name for name in targets.names() if hasattr(targets.get(name), "from_model")]
    return tuple(dict.fromkeys([*bundle.artifacts, *made]))
