"""Parts that a site in earnest adds. Nothing in the lessons needs them.

``environment`` reads the settings that differ between two machines. ``metrics`` and
``prometheus`` show what this process has counted. ``wiretap`` shows staff, during
development, what is said on every websocket.
"""
