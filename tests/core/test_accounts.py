import os
import stat
import subprocess
from typing import Any

import pytest

from core import accounts
from core.errors import ConfigError
from core.models import Role

PASSWORD = "correct horse battery"
NOBODY = 65534


@pytest.fixture(scope="module")
def hashed() -> bytes:
    return accounts.hash_password(PASSWORD).encode()


def who_may(path):
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


@pytest.fixture
def file(tmp_path, hashed):
    path = tmp_path / "credentials.yaml"
    accounts.save(path, "kim", password_hash=hashed, display_name="김하나")
    return path


class TestReading:
    def test_a_changed_file_is_read_again(self, file, hashed):
        held = accounts.Accounts(file)
        assert set(held.all()) == {"kim"}

        accounts.save(file, "lee", password_hash=hashed, role=Role.ADMIN)
        assert held.all()["lee"].role is Role.ADMIN
        assert held.all()["kim"].display_name == "김하나"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"credentials: 1",
            b"{",
            b"\xff\xfe\xfa",
            b"credentials: {usernames: {kim: {password: plain}}}",
            b"credentials: {usernames: {kim: {password: $2x}}}",
            b"credentials: {usernames: {kim: {password: $2b$12$" + b"a" * 53 + b"}}}",
            b"credentials: {usernames: {kim: {password: $2b$03$" + b"." * 53 + b"}}}",
        ],
    )
    def test_a_wrong_file_is_one_sentence(self, tmp_path, content):
        path = tmp_path / "credentials.yaml"
        path.write_bytes(content)

        with pytest.raises(ConfigError):
            accounts.Accounts(path).all()

    def test_a_missing_file_says_how_to_make_it(self, tmp_path):
        with pytest.raises(ConfigError, match="python -m core user add"):
            accounts.Accounts(tmp_path / "none.yaml").all()

    @pytest.mark.parametrize("password", ["short", "긴" * 30])
    def test_a_password_of_the_wrong_length_is_refused(self, password):
        with pytest.raises(ConfigError, match="10 or more characters and at most 72 bytes"):
            accounts.hash_password(password)


class TestWriting:
    """What `python -m core user add` leaves behind, run as root or not."""

    @pytest.fixture
    def folder(self, tmp_path):
        """A folder that belongs to a service's group, as /etc/proofsheet does."""
        folder = tmp_path / "etc"
        folder.mkdir(mode=0o750)
        os.chown(folder, -1, NOBODY if os.geteuid() == 0 else os.getegid())
        return folder

    def test_a_new_file_may_be_read_by_the_group_of_its_folder(self, folder, hashed):
        path = folder / "credentials.yaml"
        accounts.save(path, "kim", password_hash=hashed)

        assert who_may(path) == (os.geteuid(), folder.stat().st_gid, 0o640)

    def test_who_may_read_it_stays_as_it_was(self, folder, hashed):
        path = folder / "credentials.yaml"
        accounts.save(path, "kim", password_hash=hashed)
        path.chmod(0o460)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        before = who_may(path)

        accounts.save(path, "lee", password_hash=hashed)

        assert who_may(path) == before
        assert set(accounts.load(path)) == {"kim", "lee"}
        assert [entry.name for entry in folder.iterdir()] == ["credentials.yaml"]

    def test_the_service_can_read_what_root_has_written(self, folder, hashed):
        path = folder / "credentials.yaml"
        accounts.save(path, "kim", password_hash=hashed)
        service: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        # The folders above belong to the test's user alone: the service is handed this one.
        read = subprocess.run(
            ["cat", "credentials.yaml"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            **(service if os.geteuid() == 0 else {}),
        )

        assert "kim:" in read.stdout, read.stderr

    def test_a_broken_entry_is_mended_by_setting_its_password(self, file, hashed):
        file.write_text("credentials: {usernames: {kim: {password: $2x}}}")

        accounts.save(file, "kim", password_hash=hashed)

        assert accounts.load(file)["kim"].password_hash == hashed

    def test_name_and_role_stay_when_only_the_password_is_set(self, file, hashed):
        accounts.save(file, "kim", password_hash=hashed, role=Role.ADMIN)
        accounts.save(file, "kim", password_hash=hashed)

        kept = accounts.load(file)["kim"]
        assert (kept.display_name, kept.role) == ("김하나", Role.ADMIN)

    def test_other_broken_entries_stop_the_change(self, file, hashed):
        content = "credentials: {usernames: {lee: {password: $2x}}}"
        file.write_text(content)

        with pytest.raises(ConfigError, match="'lee' holds no bcrypt hash"):
            accounts.save(file, "kim", password_hash=hashed)
        assert file.read_text() == content

    def test_a_folder_that_cannot_be_written_is_one_sentence(self, hashed, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(ConfigError, match="cannot be written"):
            accounts.save(tmp_path / "file" / "credentials.yaml", "kim", password_hash=hashed)
