from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from core.api import create_api
from core.services import Services
from tests.application import PASSWORDS, services_for

OURS = {"X-Proofsheet": "1", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def services(database_url, bucket, tmp_path) -> Iterator[Services]:
    made = services_for(database_url, bucket, tmp_path)
    yield made
    made.engine.dispose()
    made.bucket.close()


@pytest.fixture
def api(services) -> Iterator[TestClient]:
    with TestClient(create_api(services), headers=OURS) as client:
        yield client


@pytest.fixture
def kim(api) -> TestClient:
    return signed_in(api, "kim")


def signed_in(api: TestClient, login: str) -> TestClient:
    answer = api.post("/login", json={"login_id": login, "password": PASSWORDS[login]})
    assert answer.status_code == 200, answer.text
    return api
