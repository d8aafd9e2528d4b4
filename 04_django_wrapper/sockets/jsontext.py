"""JSON that strangers have written, and JSON for them."""

import json
import re
from itertools import accumulate
from math import isinf
from typing import Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder

from sockets.codes import BadMessage, CloseCode

# Where no quote closes it, it reaches to the end: each character is looked at once.
STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def loads(text: str, depth: int) -> Any:
    """The value of a JSON text (RFC 8259) with at most ``depth`` levels of brackets.

    Raises:
        BadMessage: it is none (1007), or has what cannot be stored or sent again.
    """
    try:
        if text.count("[") + text.count("{") > depth:  # those in strings do not count
            bare = STRING.sub("", text)
            levels = accumulate((c in "[{") - (c in "]}") for c in bare)
            if max(levels, default=0) > depth:
                raise ValueError(f"at most {depth} levels of brackets")
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if "\\u" in text:  # an escape may be half of a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        why = "a lone surrogate is no character"
    except ValueError as error:  # also for an integer of more than 4,300 digits
        why = str(error)[:80]
    else:
        return value
    raise BadMessage(f"expected JSON: {why}", CloseCode.INVALID_FRAME_PAYLOAD_DATA)


def dumps(value: Any) -> str:
    """``value`` as JSON text; ValueError for NaN, TypeError for what has no form."""
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False)


def _finite(digits: str) -> float:
    if isinf(number := float(digits)):  # 1e999
        raise ValueError("a number is too large")
    return number


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
