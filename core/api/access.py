"""Who speaks to a route, and whether the request comes from our own pages."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from core import sign_in
from core.errors import Forbidden, msg
from core.models import User
from core.services import Services


def services_of(connection: HTTPConnection) -> Services:
    """Return the services this API was made with."""
    found: Services = connection.app.state.services
    return found


def client_of(connection: HTTPConnection) -> sign_in.Client:
    """Return from where somebody speaks: the address as the server sees it."""
    address = connection.client.host if connection.client else "unknown"
    return sign_in.Client(address=address, user_agent=connection.headers.get("user-agent", ""))


def same_origin(headers: Headers) -> bool:
    """Return whether a browser sent this from our own pages.

    Streamlit guards only its own routes. A page elsewhere can neither forge
    Sec-Fetch-Site nor Origin, nor send our header without a preflight that
    nobody answers.
    """
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def require_same_origin(request: Request) -> None:
    """Refuse a request that another site may have caused. Raises Forbidden."""
    if not same_origin(request.headers) or request.headers.get("x-proofsheet") != "1":
        raise Forbidden(msg("This request did not come from a page of Proofsheet."))


def require_user(request: Request) -> User:
    """Return who is signed in. Raises NotSignedIn."""
    services = services_of(request)
    with services.sessions() as session:
        return user_of(session, request, services)


def user_of(session: Session, connection: HTTPConnection, services: Services) -> User:
    """Return the person whose session the cookie names. Raises NotSignedIn."""
    token = connection.cookies.get(sign_in.COOKIE)
    return sign_in.current_user(
        session, services.accounts, token, cookie_key=services.settings.auth_cookie_key
    )


OurServices = Annotated[Services, Depends(services_of)]
OurUser = Annotated[User, Depends(require_user)]
FromOurPages = Depends(require_same_origin)
