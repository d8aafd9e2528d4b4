"""What a site in earnest adds to the article's project; nothing in sockets/ needs it.

``environment`` reads the settings that differ between two machines. ``metrics`` and
``prometheus`` show what this process has counted. ``wiretap`` shows staff, during
development, what is said on every websocket.
"""
