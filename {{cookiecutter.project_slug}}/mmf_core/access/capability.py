"""Tokens, API keys and rate limits: which caller may call which target, and how often."""

from __future__ import annotations

from ..capabilities import Capability
from .authorizer import authorizer
from .commands import token
from .http import blueprints
from .openapi import describe
from .settings import AccessSettings
from .start import prepare

CAPABILITY = Capability(
    settings=AccessSettings,
    blueprints=blueprints,
    authorizer=authorizer,
    document=describe,
    commands=(token,),
    before_load=prepare,
)
