"""Exercise 3.8 · A frame by hand

20 minutes, after section 9 of the notebook.
Check it: python3 -m workshop exercise 3.8

``decode`` reads a short frame of a server. Change it, so that it reads each frame that
is whole (RFC 6455, 5.2), without a look at ``frames.py``. The second byte is one bit
that says "masked", and seven bits of length. Up to 125 they are the length. 126 means:
the next 2 bytes are the length. 127 means: the next 8 bytes are. The most significant
byte comes first. If the frame is masked, 4 bytes of key follow; then byte number ``i``
of the payload is to be XORed (``^``) with byte ``i % 4`` of the key.
"""


# ↓ Your turn begins here.
def decode(data: bytes) -> tuple[bytes, bytes]:
    """The payload of the first frame of ``data``, and all bytes after that frame."""
    length = data[1]
    return data[2 : 2 + length], data[2 + length :]


# ↑ Your turn ends here.


def main() -> None:
    pong = bytes.fromhex("81 05 70 6f 6e 67 21")  # from a server
    ping = bytes.fromhex("81 84 37 fa 21 3d 47 93 4f 5a")  # from a browser
    long = bytes.fromhex("81 7e 01 2c") + bytes(300)
    for frame in (pong, ping, long):
        payload, rest = decode(frame)
        print(len(payload), "bytes:", payload[:10], "and then", rest[:10])


if __name__ == "__main__":
    main()
