# mypkg/myhandler.py
from typing import Any

def handle(payload: str) -> Any:
    return {"handler": "mypkg.myhandler", "echo": payload}
