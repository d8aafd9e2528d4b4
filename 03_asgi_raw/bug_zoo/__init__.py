"""Broken servers from articles and tutorials, each a few lines, each with its mend.

One module a bug, with two applications: ``broken`` and ``mended``. Before you read the
docstring: start one, connect, and say what is wrong.

    uvicorn --app-dir 03_asgi_raw bug_zoo.binary_frame:broken

Limits: websockets only; messages and close codes are those of uvicorn.
"""
