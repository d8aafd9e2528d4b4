"""Opt-in rooms that hang on a socket's hooks and on the list of handshake steps."""
