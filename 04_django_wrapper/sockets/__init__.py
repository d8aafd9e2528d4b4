"""Websockets for Django.

The story of one websocket, in this order: dispatch, runner, connection, inbox, outbox,
handling. The story of many: groups, members, events. The other files are tools, and
rooms that one opens when one needs them.
"""

# Raised with each heading of CHANGELOG.md, which says what changes for a copy.
__version__ = "2.1.1"
