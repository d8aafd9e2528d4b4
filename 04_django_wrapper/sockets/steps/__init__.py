"""The steps around a handler, each a plain module.

``handshake`` has the steps that decide who may open a websocket: the setting HANDSHAKE
lists them. The others hang on the hooks of a socket, ``on_accept`` and ``on_end``, and
``apps.py`` lists them. ``live`` knows all websockets of this process. ``journal``
writes the log. ``stats`` counts. ``recheck`` looks at rights again (``rights``).
``draining`` ends all at SIGTERM. The story of one websocket knows none of them.

Two are called by the project's own steps and handlers: ``expiry`` ends a websocket with
its token, ``permissions`` asks what somebody may do now.
"""
