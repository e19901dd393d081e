"""Everything that was made: newest first, every filter in the URL."""

from pages.parts import history_filter, history_grid
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _

look.masthead(_("History"))
history_filter.show(viewer())
history_grid.show()
