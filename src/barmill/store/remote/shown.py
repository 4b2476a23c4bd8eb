"""Text of anybody's, as it may be shown."""

_LONGEST = 500  # characters


def printable(text: str, longest: int = _LONGEST) -> str:
    """The text without what does something to a terminal, or can't be written to it, and not endless.

    Args:
        text: anything.
        longest: characters after which it is cut off.
    """
    if text.isprintable() and len(text) <= longest:
        return text
    return "".join(letter if letter.isprintable() else "?" for letter in text[:longest])
