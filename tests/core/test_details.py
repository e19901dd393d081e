"""A job that ends while its page is read is shown as it was, or as it is: never as waiting."""

from sqlalchemy import event

from core import decisions, details
from core.models import Run
from core.stages import Stage
from tests.core.conftest import filed


def test_a_job_that_ends_between_two_reads_has_ended(sessions, kim):
    job = filed(sessions, kim)
    engine = sessions.kw["bind"]
    read: list[str] = []

    def end_it(_connection, _cursor, statement, *_):
        """Cancel the job once its first row, whichever that is, has been read."""
        if statement.startswith("SELECT") and not read:
            read.append(statement)
            with sessions.begin() as other:
                decisions.cancel(other, kim, job.id)

    with sessions() as session:
        event.listen(engine, "after_cursor_execute", end_it)
        detail = details.load(session, kim, job.id, team_reads=False)

    assert read
    assert detail.stage is Stage.CANCELLED
    assert detail.run is None
    with sessions() as session:
        assert session.get(Run, job.id) is None
