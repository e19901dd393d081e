"""Does an HTTP server of ours answer? No proxy, no redirect, one second."""

import http.client

WAIT_S = 1.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (recognised, not bound)


def answers(host: str, port: int, path: str) -> bool:
    """Return whether GET `path` is answered with a success."""
    connection = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=WAIT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
