"""Model files that only their author's code can load, and the code that does."""

from __future__ import annotations

import json
from pathlib import Path

_TORCH = """
    import torch

    network = Network()  # your class; a TorchScript file: network = torch.jit.load({name})
    network.load_state_dict(torch.load({name}, weights_only=True))
    return network.eval()"""
_KERAS = """
    import keras

    return keras.models.load_model({name})"""
_LOADERS = {
    ".pt": ("torch", _TORCH),
    ".pth": ("torch", _TORCH),
    ".keras": ("keras", _KERAS),
    ".h5": ("keras", _KERAS),
}


def how_to_load(path: Path) -> str:
    """Return how to load a file whose suffix is unknown, for the end of an error message."""
    if path.suffix.lower() == ".json":
        return f"; a model of XGBoost: model.save_model({f'{path.stem}.ubj'!r})"
    if loader := _LOADERS.get(path.suffix.lower()):
        package, body = loader
        name = json.dumps(path.name, ensure_ascii=False)  # in the quotes of ruff
        return (
            f"; put it beside main.py, make add PACKAGE={package}, and write its loader and a "
            f"target in main.py:\n\n@mmf.artifact({name})\ndef model():{body.format(name=name)}"
        )
    return "; or load it in a function under @mmf.artifact(…)"
