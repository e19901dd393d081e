"""The listener that tells a page to look again: `live`, and the switch for notifications."""

from pages.parts.components.live.live import Notice, live, notification_switch

__all__ = ["Notice", "live", "notification_switch"]
