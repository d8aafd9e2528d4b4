"""Read what the user typed; a mistake in it is one sentence."""

import argparse
from typing import NoReturn

from workshop.command.errors import UserError


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong argument is a ``UserError``, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[0].upper()}{message[1:]}. See: {self.prog} --help")
