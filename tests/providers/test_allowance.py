import pytest

from core.providers.allowance import allowance, rate_limits

FULL = {
    "X-RateLimit-Limit-Requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-input-images": "250",
    "x-ratelimit-remaining-input-images": "0",
    "x-ratelimit-reset-input-images": "6m0s",
    "x-request-id": "req_1",
}


def test_only_the_rate_limit_headers_are_kept():
    assert set(rate_limits(FULL)) == {name.lower() for name in FULL} - {"x-request-id"}


def test_limits_and_the_longest_wait_of_what_is_empty():
    said = allowance(rate_limits(FULL))

    assert said.limits() == {"requests_per_minute": 500, "input_images_per_minute": 250}
    assert said.empty_for_s == 360


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "-1"},
        {"x-ratelimit-limit-requests": "0"},
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"},
        {"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "6m0s"},
    ],
)
def test_what_cannot_be_read_says_nothing(headers):
    said = allowance(headers)

    assert (said.limits(), said.empty_for_s) == ({}, None)


def test_no_wait_is_longer_than_an_hour():
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "99h"}

    assert allowance(headers).empty_for_s == 3600
