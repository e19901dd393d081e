"""How a page hears of changes, and what it tells while nobody looks at it."""

from pages.parts.components.live.live import live
from pages.parts.components.live.tab import Notice, notification_switch, tab

__all__ = ["Notice", "live", "notification_switch", "tab"]
