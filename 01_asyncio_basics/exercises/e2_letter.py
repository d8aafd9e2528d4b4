"""Exercise 1.2 · The letter that was never sent

5 minutes, after section 2 of the notebook.
Check it: python3 -m workshop exercise 1.2

``invite`` says that the letter was sent, and no letter arrives. Change one line: when
``invite`` returns, the letter has been sent.
"""

import asyncio


class Post:
    """Takes letters. To send one takes half a second."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, letter: str) -> None:
        await asyncio.sleep(0.5)
        self.sent.append(letter)


# ↓ Your turn begins here.
async def invite(name: str, post: Post) -> str:
    """Send one letter to ``name``; say so when it has been sent."""
    post.send(f"Dear {name}, please come on Friday.")
    return f"The letter to {name} was sent."


# ↑ Your turn ends here.


if __name__ == "__main__":
    post = Post()
    print(asyncio.run(invite("Ada", post)))
    print("Sent:", post.sent)
