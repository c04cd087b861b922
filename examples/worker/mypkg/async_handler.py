# mypkg/async_handler.py
from typing import Any
import asyncio

async def handle(payload: str) -> Any:
    await asyncio.sleep(0)  # simulate async work
    return {"handler": "mypkg.async_handler", "echo": payload}
