"""POST /login and /logout: the cookie is HttpOnly and names a session that can be revoked."""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, StringConstraints

from core import sign_in
from core.api.access import FromOurPages, OurServices, client_of

router = APIRouter()

PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"  # Postgres cannot store a NUL


class Credentials(BaseModel):
    """What the sign-in form sends. No name and no password holds control characters."""

    login_id: Annotated[str, StringConstraints(max_length=200, pattern=PRINTABLE)]
    password: Annotated[str, StringConstraints(max_length=500, pattern=PRINTABLE)]


@router.post("/login", dependencies=[FromOurPages])
def login(
    body: Credentials, request: Request, response: Response, services: OurServices
) -> dict[str, str]:
    """Sign in and set the cookie. A session from before is ended: its id is never reused."""
    settings = services.settings
    client = client_of(request)
    user, token = sign_in.sign_in(
        services.sessions,
        services.accounts,
        login_id=body.login_id,
        password=body.password,
        client=client,
        cookie_key=settings.auth_cookie_key,
        ttl_s=settings.session_ttl_s,
    )
    _end_session(request, services)
    response.set_cookie(
        sign_in.COOKIE,
        token,
        max_age=settings.session_ttl_s,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
    return {"name": user.display_name}


@router.post("/logout", dependencies=[FromOurPages])
def logout(request: Request, response: Response, services: OurServices) -> dict[str, bool]:
    """Revoke the session and clear the cookie."""
    _end_session(request, services)
    response.delete_cookie(sign_in.COOKIE, path="/", httponly=True, samesite="lax")
    return {"signed_out": True}


def _end_session(request: Request, services: OurServices) -> None:
    token = request.cookies.get(sign_in.COOKIE)
    with services.sessions.begin() as session:
        sign_in.sign_out(
            session,
            token,
            cookie_key=services.settings.auth_cookie_key,
            client=client_of(request),
        )
