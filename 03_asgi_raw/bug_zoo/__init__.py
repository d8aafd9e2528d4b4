"""Broken servers from articles and tutorials, each a few lines, each with its fix.

One module a bug. Eight have two applications, ``broken`` and ``fixed``; in the ninth,
``no_library``, the bug is in what is installed. Before you read the docstring: start
one, open the page, connect, and say what is wrong. ``../README.md`` says what to send.

    uvicorn --app-dir 03_asgi_raw bug_zoo.binary_frame:broken

Messages and close codes are those of uvicorn.
"""
