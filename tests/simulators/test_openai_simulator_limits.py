"""Rate limits: off unless set, then as the provider counts and words them."""

from tests.simulators.conftest import Simulator, image_part, picture

SMALL = image_part(picture(16, 16))


def test_they_are_off_but_the_headers_are_there(simulator: Simulator) -> None:
    headers = simulator.edit().headers
    assert headers["x-ratelimit-limit-input-images"] == "50000"
    assert headers["x-ratelimit-reset-requests"] == "1ms"
    assert {"openai-version", "openai-organization", "x-ratelimit-limit-tokens"} <= headers.keys()


def test_requests_beyond_the_limit_are_a_429_and_free(simulator: Simulator) -> None:
    simulator.set(requests_per_min=2)
    assert [simulator.edit().status_code for _ in range(3)] == [200, 200, 429]
    reply = simulator.edit()
    error = reply.json()["error"]
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    assert reply.headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(reply.headers["retry-after"]) <= 60
    assert len(simulator.entries("billed")) == 2


def test_every_input_image_counts(simulator: Simulator) -> None:
    simulator.set(input_images_per_min=5)
    six, three = [("image[]", SMALL)] * 6, [("image[]", SMALL)] * 3
    assert simulator.edit(six).status_code == 429
    assert simulator.edit(three).headers["x-ratelimit-remaining-input-images"] == "2"
    error = simulator.edit(three).json()["error"]
    assert error["type"] == "input-images"
    assert "Limit 5, Used 3, Requested 3. Please try again in " in error["message"]


def test_each_model_has_a_limit_of_its_own(simulator: Simulator) -> None:
    simulator.set(requests_per_min=1)
    assert simulator.edit().status_code == 200
    assert simulator.edit(model="gpt-image-2").status_code == 200


def test_after_the_time_told_it_works_again(simulator: Simulator) -> None:
    simulator.set(requests_per_min=1, window_s=5)
    simulator.edit()
    reply = simulator.edit()
    assert 0 < int(reply.headers["retry-after-ms"]) <= 5000
    simulator.set(window_s=0.01)
    assert simulator.edit().status_code == 200
