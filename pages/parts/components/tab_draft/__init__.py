"""What a form holds, kept by the browser's tab: `tab_draft`."""

from pages.parts.components.tab_draft.tab_draft import tab_draft

__all__ = ["tab_draft"]
