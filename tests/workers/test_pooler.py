import pytest
from structlog.testing import capture_logs

from core.events import WORK_CHANNEL
from core.live import Listener
from core.stages import Stage
from tests.pooler import POOLERS, pooled
from tests.workers.conftest import billed


@pytest.fixture(params=POOLERS)
def database_url(request, database_url):
    """The same database, by way of a pooler in transaction mode."""
    with pooled(request.param, database_url) as url:
        yield url


def test_a_job_is_done_behind_a_transaction_pooler(
    services, file_edit, working, settle, openai_simulator
):
    heard = []
    with capture_logs() as logs:
        listener = Listener(
            services.settings.database_url, [WORK_CHANNEL], lambda *said: heard.append(said)
        )
        listener.start()
        try:
            detail = settle(file_edit())
        finally:
            listener.stop()

    assert detail.stage is Stage.STORED
    assert len(billed(openai_simulator)) == 1
    assert heard == [("", "")] * len(heard)
    assert not [line for line in logs if line["log_level"] == "error"]
