"""The function that is served, as the runtime's handler: whatever can be called with a string.

An asynchronous one runs for several at once, in one event loop, so that what it keeps (a client, a lock) serves all of
its runs. Any other runs for one at a time, in the main thread: nothing in it has to bear company.
"""

import asyncio
import importlib
import inspect
import os
import threading


def load(name):
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


def is_asynchronous(function):
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def wants_context(function):
    """A function written for Lambda cannot be called without a context."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        # Of what is built in, Python does not always know.
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is one.empty for one in parameters) > 1


async def awaited(result):
    try:
        return await result
    except (SystemExit, KeyboardInterrupt) as end:
        # They would end the loop, with all who wait in it.
        raise RuntimeError(f"{type(end).__name__}: {end}") from end


FUNCTION = load(os.environ.pop("SERVED_FUNCTION"))
WANTS_CONTEXT = wants_context(FUNCTION)
LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()
if not is_asynchronous(FUNCTION):
    # The runtime polls for one at a time then.
    os.environ.pop("AWS_LAMBDA_MAX_CONCURRENCY", None)


def handle(payload, context):
    result = FUNCTION(payload, context) if WANTS_CONTEXT else FUNCTION(payload)
    if not inspect.isawaitable(result):
        return result
    return asyncio.run_coroutine_threadsafe(awaited(result), LOOP).result()
