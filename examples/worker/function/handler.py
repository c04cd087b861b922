"""The default handler: JSON inside the payload is parsed, anything else stands for itself."""

import json
from typing import Any


def handle(payload: str) -> Any:
    try:
        return {"handler": "function.handler", "data": json.loads(payload)}
    except ValueError:
        return {"handler": "function.handler", "data": payload}
