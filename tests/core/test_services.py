from uuid import UUID

from core.services import build
from core.settings import Settings
from tests.core.test_settings import NEEDED

KIM, LEE = UUID(int=1), UUID(int=2)


def identifier(user_id: UUID, key: str = "k" * 32) -> str:
    settings = Settings.from_env(NEEDED | {"AUTH_COOKIE_KEY": key})
    return build(settings, application="test").safety_identifier(user_id)


def test_a_provider_can_tell_people_apart_and_not_who_they_are():
    assert identifier(KIM) == identifier(KIM)
    assert identifier(KIM) != identifier(LEE)
    assert identifier(KIM) != identifier(KIM, key="another key of some thirty letters")
    assert len(identifier(KIM)) <= 128
    assert KIM.hex not in identifier(KIM)
