"""Sending a small body once, to a server of our own."""

from pathlib import Path

from core.providers import SendLimits
from core.providers.body import Body
from core.providers.paid_send import paid_send
from tests.providers.raw_server import answer

OK = answer(b'{"fine": true}')


def send(
    url: str,
    *,
    body: Body | None = None,
    ca_file: Path | None = None,
    connect_s: float = 5,
    total_s: float = 5,
    not_after: float | None = None,
) -> bytes:
    """Send a small body once; return the whole answer."""
    made = body or Body("application/json", [b'{"prompt": "hello"}'])
    headers = {"Authorization": "Bearer sk-test"}
    limits = SendLimits(connect_s=connect_s, total_s=total_s, not_after=not_after)
    with (
        made,
        paid_send(
            f"{url}/v1/edits",
            made,
            headers=headers,
            limits=limits,
            provider="OpenAI",
            ca_file=ca_file,
        ) as reply,
    ):
        answered, cut = reply.gathered(1_000_000)
    if cut is not None:
        raise cut
    return answered
