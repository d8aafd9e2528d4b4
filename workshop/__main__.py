"""``python3 -m workshop``: see ``python3 -m workshop --help``.

This file and ``__init__.py`` keep to what Python 2.7 can parse, so that an old Python
gets a sentence and no traceback.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        "The workshop needs Python 3.11 or newer; this one is "
        + ".".join(str(number) for number in sys.version_info[:3])
        + ". Run it with a newer one, for example: python3.12 -m workshop\n"
    )
    sys.exit(2)

try:
    from workshop.command.cli import main

    code = main(sys.argv[1:])
except KeyboardInterrupt:
    code = 130  # what a shell says of a program that Ctrl-C ended: 128 + SIGINT
sys.exit(code)
