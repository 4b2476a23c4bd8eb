"""Names below a remote's URL."""

from barmill.hashing import Digest

ROOT = "barmill-1"


def object_name(digest: Digest) -> str:
    """Where an object's bytes are."""
    return f"{ROOT}/objects/{digest[:2]}/{digest[2:]}"


def action_name(key: Digest) -> str:
    """Where the envelope of a record is."""
    return f"{ROOT}/actions/{key[:2]}/{key[2:]}.json"


def kin_name(common: Digest, key: str = "") -> str:
    """The folder of the records that have a manifest in common but for its pieces, or the mark of one of them."""
    folder = f"{ROOT}/kin/{common[:2]}/{common[2:]}"
    return f"{folder}/{key}" if key else folder
