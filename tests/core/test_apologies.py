import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from core import apologies
from core.errors import DecoderFailed, Rejected, msg
from core.storage.s3 import translated

REFUSED = ClientError({"Error": {"Code": "SignatureDoesNotMatch"}}, "GetObject")
MISSING = ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
SILENT = EndpointConnectionError(endpoint_url="http://10.0.0.7:9000")


def of_the_store(error: Exception):
    return translated(error, bucket="secret-bucket", key="prod/inputs/1", where="10.0.0.7")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (of_the_store(REFUSED), "Our storage does not answer. Try again in a moment."),
        (of_the_store(SILENT), "Our storage does not answer. Try again in a moment."),
        (of_the_store(MISSING), "This file is no longer there."),
        (DecoderFailed("The decoder ended with status -9."), "This file cannot be checked just"),
        (Rejected(msg("The file is empty.")), "The file is empty."),
    ],
)
def test_what_only_an_operator_can_use_is_not_told_to_others(error, told):
    assert str(apologies.sentence(error)).startswith(told)
