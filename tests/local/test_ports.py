"""Ports that cannot be had, and files of ours that somebody has broken."""

import errno
import socket

import pytest

from core.errors import ConfigError
from deploy.local import keys, ports

HERE = "127.0.0.1"


def test_a_taken_port_blames_another_program():
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigError, match=f"taken by another program.*WEB_PORT={port + 1} "):
            ports.check_web(HERE, port)


@pytest.mark.parametrize("host", ["192.0.2.7", "nowhere.invalid"])
def test_an_address_that_this_machine_lacks_blames_the_setting(host, monkeypatch):
    def resolve(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if host.endswith(".invalid"):  # no test asks a name server
        monkeypatch.setattr(socket.socket, "bind", resolve)

    with pytest.raises(ConfigError, match="no name or address of this machine"):
        ports.check_web(host, 8501)


def test_a_port_that_only_root_may_use_says_so(monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)

    with pytest.raises(ConfigError, match="reserved for the system's administrator"):
        ports.check_web(HERE, 80)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xb0\xa1"])
def test_a_broken_file_of_ours_is_one_sentence(tmp_path, content):
    file = tmp_path / "ports.json"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=r"ports\.json' is damaged"):
        ports.remembered(file, HERE, ("s3",))
    with pytest.raises(ConfigError, match="is damaged"):
        keys.kept(file)


def test_what_is_no_port_is_not_remembered(tmp_path):
    file = tmp_path / "ports.json"
    file.write_text('{"s3": "soon", "openai": 99999}')

    found = ports.remembered(file, HERE, ("s3", "openai"))

    assert all(ports.LOWEST <= port <= ports.HIGHEST for port in found.values())
