"""Decoders of two kinds of devices: each is a handler of its own worker."""

from typing import Any


def decode_type_a(payload: str) -> Any:
    """Expects ``id,value,timestamp``."""
    parts = payload.split(",")
    if len(parts) != 3:
        raise ValueError(f"Expected 'id,value,timestamp', got {payload!r}")
    device, value, timestamp = parts
    return {"id": device, "value": float(value), "timestamp": int(timestamp)}


def decode_type_b(payload: str) -> Any:
    """Reverses the string."""
    return {"reversed": payload[::-1]}
