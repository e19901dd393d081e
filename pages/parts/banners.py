"""What everybody has to know on every page: simulated results, and providers that wait."""

from core import gates, refusals
from core.models import Dialect
from core.services import services
from pages.parts.look import look
from pages.parts.words import _, say


def show() -> None:
    """Say that results are simulated, and which provider is waiting for what."""
    if services().settings.simulated_providers:
        look.simulated_banner(
            _("Simulated providers: nothing here is real, and nothing costs money.")
        )
    with services().sessions() as session:
        closed = gates.closed(session)
    for gate in closed:
        provider = "OpenAI" if gate.dialect == Dialect.OPENAI else "MiniMax"
        explained = refusals.explain(gate.closed_code or "", provider=provider)
        look.notice("decide", say(explained), title=gate.model or provider)
