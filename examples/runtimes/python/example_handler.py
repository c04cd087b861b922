"""Handlers for examples/runtimes/python: what goes in, what goes wrong, and what comes in pieces."""

import asyncio
import time


def handler(event, context):
    print(f"of {context.function_name}")
    if event == "fail":
        raise ValueError("It was asked to fail.")
    if event == "no JSON":
        return {1, 2}
    return {
        "got": event,
        "id": context.aws_request_id,
        "version": context.function_version,
        "remaining": context.get_remaining_time_in_millis(),
    }


async def later(event):
    await asyncio.sleep(0)
    return {"got": event}


def pieces(event):
    for number in range(3):
        yield f"piece {number}\n"
        time.sleep(0.01)
    if event == "break":
        raise ValueError("It was asked to break off.")
