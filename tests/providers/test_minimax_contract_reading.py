"""Tasks, lists and downloads at the simulator: nothing that goes wrong costs a second task."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import (
    OutcomeUnknown,
    ProviderError,
)
from core.providers import Broken, Cancelled, Pending, Ready
from core.providers.minimax_v1 import MiniMaxV1
from core.providers.minimax_v2 import MiniMaxV2
from deploy.local.simulators.minimax import breakages
from tests.providers.control import Control
from tests.providers.minimax_runs import download, settled, submit


class TestEnds:
    @pytest.mark.parametrize(
        ("fault", "args", "code"),
        [
            ("output_sensitive", {}, "moderation_output"),
            ("fails", {}, "generation_failed"),
            ("fails", {"code": 1033}, "generation_failed"),
        ],
    )
    def test_a_failure_says_why(self, fault, args, code, client, dialect, minimax):
        minimax.fault(fault, **args)
        minimax.fault("failed_spelling")
        found = settled(client, submit(client, dialect))
        assert isinstance(found, Broken)
        assert found.code == code

    def test_a_stuck_task_stays_pending(self, client, dialect, minimax):
        minimax.fault("stuck")
        task_id = submit(client, dialect)
        threading.Event().wait(0.2)
        assert isinstance(client.progress(task_id), Pending)

    @pytest.mark.parametrize("value", ["Unknown", "something new", "x" * 1000])
    def test_an_unknown_word_is_pending(self, value, client, dialect, minimax):
        task_id = submit(client, dialect)
        minimax.fault("odd_status", value=value)
        found = client.progress(task_id)
        assert isinstance(found, Pending)
        assert len(found.provider_status) <= 64


class TestQuestions:
    @pytest.mark.parametrize("name", [*breakages.READS, "no_download_url"])
    @pytest.mark.parametrize("args", [{}, {"code": 1002}, {"status": 502, "html": True}])
    def test_a_failed_question_is_answered_the_next_time(
        self, name, args, client, dialect, minimax
    ):
        task_id = submit(client, dialect)
        settled(client, task_id)
        minimax.fault(name, **{"seconds": 0.2, **args})
        with pytest.raises(ProviderError) as caught:
            client.progress(task_id)
        assert type(caught.value) is ProviderError
        minimax.no_faults()
        assert isinstance(client.progress(task_id), Ready)
        assert minimax.posts() == 1

    @pytest.mark.parametrize("name", ["success_without_file_id", "retrieve_error"])
    def test_a_missing_file_is_asked_for_again(self, name, minimax):
        client = MiniMaxV1(base_url=minimax.url, api_key="sk-test")
        task_id = submit(client, "v1")
        settled(client, task_id)
        minimax.fault(name)
        with pytest.raises(ProviderError):
            client.progress(task_id)
        minimax.no_faults()
        assert isinstance(client.progress(task_id), Ready)

    @pytest.mark.parametrize("fault", [None, "unknown_id_500"])
    def test_a_task_nobody_knows(self, fault, client, minimax):
        if fault:
            minimax.fault(fault)
        with pytest.raises(ProviderError) as caught:
            client.progress("999")
        assert caught.value.code == "task_not_found"


class TestListing:
    @pytest.fixture
    def client(self, minimax: Control) -> MiniMaxV2:
        return MiniMaxV2(base_url=minimax.url, api_key="sk-test")

    def test_a_lost_answer_s_task_is_found_in_the_list(self, client, minimax):
        began = datetime.now(UTC)
        minimax.fault("reset_after_accept")
        with pytest.raises(OutcomeUnknown):
            submit(client, "v2")
        (task,) = client.list_tasks(since=began)
        assert task.task_id == minimax.entries("billed")[0]["task_id"]
        assert (task.resolution, task.duration, task.ratio) == ("768P", 4, "16:9")
        assert client.describe(task.task_id).created_at == task.created_at

    def test_a_list_over_several_pages_is_whole(self, client):
        began = datetime.now(UTC)
        ids = [submit(client, "v2") for _ in range(25)]
        found = client.list_tasks(since=began)
        assert [task.task_id for task in found] == ids[::-1]
        assert client.list_tasks(since=began + timedelta(hours=1)) == []

    def test_a_list_that_lags_behind_is_empty_for_now(self, client, minimax):
        began = datetime.now(UTC)
        submit(client, "v2")
        minimax.fault("list_lag")
        assert client.list_tasks(since=began) == []

    def test_a_queued_task_is_cancelled_also_if_the_reply_is_lost(self, client, minimax):
        minimax.set(fixed_s=60)
        task_id = submit(client, "v2")
        assert client.cancel(task_id) is Cancelled.IN_TIME
        assert isinstance(settled(client, task_id), Broken)
        assert client.cancel(task_id) is Cancelled.IN_TIME

    def test_a_finished_task_is_never_deleted(self, client):
        task_id = submit(client, "v2")
        settled(client, task_id)
        assert client.cancel(task_id) is Cancelled.TOO_LATE
        assert isinstance(client.progress(task_id), Ready)


class TestDownloads:
    @pytest.fixture
    def url(self, minimax: Control) -> str:
        client = MiniMaxV2(base_url=minimax.url, api_key="sk-test")
        found = settled(client, submit(client, "v2"))
        assert isinstance(found, Ready)
        return found.download_url

    @pytest.mark.parametrize(
        ("name", "args", "code"),
        [
            ("download_status", {}, "link_expired"),
            ("download_status", {"status": 404}, "link_expired"),
            ("download_status", {"status": 500}, "download_failed"),
            ("download_truncated", {}, "download_cut"),
            ("download_reset", {}, "download_cut"),
            ("download_huge_length", {}, "download_too_large"),
            ("download_endless", {}, "download_too_large"),
            ("download_redirect", {}, "link_not_allowed"),
            ("download_trickle", {"interval_s": 0.05}, "download_failed"),
        ],
    )
    def test_a_bad_download_leaves_nothing(self, name, args, code, url, minimax, tmp_path):
        minimax.fault(name, **args)
        total_s = 0.5 if name == "download_trickle" else 10
        with pytest.raises(ProviderError) as caught:
            download(url, tmp_path / "videos.mp4", total_s=total_s)
        assert caught.value.code == code
        assert list(tmp_path.glob("videos*")) == []
        minimax.no_faults()
        assert download(url, tmp_path / "videos.mp4").bytes > 0

    @pytest.mark.parametrize(
        "name",
        [
            "download_html",
            "download_moov_cut",
            "download_cut_file",
            "download_playlist",
            "download_huge_frame",
            "download_too_long",
        ],
    )
    def test_what_is_no_video_is_left_to_the_decoder(self, name, url, minimax, tmp_path):
        minimax.fault(name)
        assert download(url, tmp_path / "a.mp4").bytes > 0

    def test_a_dead_link_is_replaced_by_a_fresh_one(self, minimax, tmp_path):
        client = MiniMaxV1(base_url=minimax.url, api_key="sk-test")
        task_id = submit(client, "v1")
        settled(client, task_id)
        minimax.fault("url_expired", times=1)
        for number, is_dead in enumerate([True, False]):
            found = client.progress(task_id)
            assert isinstance(found, Ready)
            path = tmp_path / f"{number}.mp4"
            if is_dead:
                with pytest.raises(ProviderError) as caught:
                    download(found.download_url, path)
                assert caught.value.code == "link_expired"
            else:
                assert download(found.download_url, path).bytes
        assert minimax.posts() == 1

    def test_an_evil_link_is_not_followed(self, client, dialect, minimax, tmp_path):
        task_id = submit(client, dialect)
        settled(client, task_id)
        minimax.fault("evil_url")
        found = client.progress(task_id)
        with pytest.raises(ProviderError) as caught:
            download(found.download_url, tmp_path / "a.mp4", host="127.0.0.1:1")
        assert caught.value.code == "link_not_allowed"


def test_every_fault_of_the_simulator_is_tried_here():
    """Callbacks are the web process's; everything else is an adapter's."""
    files = Path(__file__).parent.glob("test_minimax_contract*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    tried = {*breakages.CREATION, *breakages.READS}
    tried |= {name for name in breakages.KNOWN if f'"{name}"' in source}
    missing = set(breakages.KNOWN) - tried
    assert {name for name in missing if not name.startswith("callback_")} == set()
