"""The contact sheet of the history: `grid`, its cards and what a click on one says."""

from pages.parts.components.grid.grid import Card, GridAction, grid

__all__ = ["Card", "GridAction", "grid"]
