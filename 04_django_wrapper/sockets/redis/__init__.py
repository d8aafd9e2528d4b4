"""Groups over Redis: publish and subscribe make many processes one.

``carrier`` is what ``groups`` talks to. ``line`` is one event loop's part of it: which
groups Redis knows, and what could not be published. ``connection`` keeps one connection
to Redis and knows nothing of groups. ``packing`` turns news into bytes. ``synchronous``
is for processes without an event loop. ``setting`` looks whether ``REDIS_URL`` is set:
only then is the package ``redis`` imported.
"""
