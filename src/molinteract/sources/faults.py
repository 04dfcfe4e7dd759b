"""What was named but cannot be read: an item whose only entry says why, in ``member``."""

from molinteract.sources.files import unreadable
from molinteract.sources.item import Entries, SourceItem, Update


def read_item(item: SourceItem, update: Update) -> Entries:
    """Give the reason why there is nothing to read."""
    update(item.member.encode())
    yield unreadable(item, item.member)
