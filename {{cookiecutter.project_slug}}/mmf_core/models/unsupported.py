"""Model files that only their author's code can load, and the code that does."""

from __future__ import annotations

from pathlib import Path

_TORCH = """
    import torch

    network = Network()  # your class; a TorchScript file: network = torch.jit.load({name!r})
    network.load_state_dict(torch.load({name!r}, weights_only=True))
    return network.eval()"""
_KERAS = """
    import keras

    return keras.models.load_model({name!r})"""
_LOADERS = {".pt": _TORCH, ".pth": _TORCH, ".keras": _KERAS, ".h5": _KERAS}


def how_to_load(path: Path) -> str:
    """Return how to load a file whose suffix is unknown, for the end of an error message."""
    if path.suffix.lower() == ".json":
        return f"; a model of XGBoost: model.save_model({f'{path.stem}.ubj'!r})"
    if body := _LOADERS.get(path.suffix.lower()):
        code = body.format(name=path.name)
        return f"; write its loader in main.py:\n\n@mmf.artifact({path.name!r})\ndef model():{code}"
    return "; or load it in a function under @mmf.artifact(…)"
