from core.stages import FINAL, LIVE, NEXT, Stage, Status, status_of


def test_every_stage_has_a_row():
    assert set(NEXT) == set(Stage)


def test_every_stage_can_be_reached_from_ready():
    reached, frontier = {Stage.READY}, [Stage.READY]
    while frontier:
        new = NEXT[frontier.pop()] - reached
        reached |= new
        frontier.extend(new)

    assert reached == set(Stage)


def test_exactly_these_are_final():
    assert {
        Stage.STORED,
        Stage.REJECTED,
        Stage.FAILED,
        Stage.EXPIRED,
        Stage.BAD_RESULT,
        Stage.ABANDONED,
        Stage.CANCELLED,
    } == FINAL


def test_only_stored_is_done_and_nothing_live_is_an_error():
    assert [stage for stage in Stage if status_of(stage) is Status.DONE] == [Stage.STORED]
    assert all(status_of(stage) in {Status.QUEUED, Status.RUNNING} for stage in LIVE)


def test_what_was_sent_is_never_queued_again_without_a_reason():
    # submitting → ready is for what was not sent; uncertain → ready needs consent.
    assert {stage for stage in Stage if Stage.READY in NEXT[stage]} == {
        Stage.SUBMITTING,
        Stage.UNCERTAIN,
    }
