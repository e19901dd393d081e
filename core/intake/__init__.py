"""What happens to a file that arrives: announced, sent to the bucket, verified, prepared.

The bytes go from the browser to the bucket. Here they are fetched once to be
decoded in the limited child process; nothing is believed that was not seen.
"""

from core.intake.adoption import adopt
from core.intake.arrivals import confirm
from core.intake.permits import IMAGES, VIDEOS, Announcement, announce
from core.intake.shown import described

__all__ = [
    "IMAGES",
    "VIDEOS",
    "Announcement",
    "adopt",
    "announce",
    "confirm",
    "described",
]
