import pytest

from tests.application import services_for
from tests.model.conftest import kim  # noqa: F401
from tests.stateful.bench import quick_steps
from tests.stateful.machine import IN_FLIGHT
from workers.hands import Hands
from workers.spool import Spool

LENGTHS = {
    "openai_timeout_s": 100,
    "minimax_timeout_s": 100,
    "step_lease_s": 100,
    "lease_margin_s": 20,
    "settle_s": 10,
}


@pytest.fixture
def hands(database_url, bucket, tmp_path, monkeypatch):
    """A worker's hands over the real SQL, whose steps stop at every border."""
    quick_steps(monkeypatch)
    services = services_for(
        database_url,
        bucket,
        tmp_path,
        public_base_url="http://callbacks.test",
        minimax_v2_in_flight=IN_FLIGHT,
        **LENGTHS,
    )
    services.engine.pool._pre_ping = False  # of 90,000 statements a third would only ask for life
    yield Hands(services=services, spool=Spool(services.settings.spool_dir), worker="sweep:0")
    services.engine.dispose()
    services.bucket.close()
