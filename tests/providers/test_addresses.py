"""Where results may be fetched from: every trick with a host, a port, a user, an address."""

import pytest

from core.providers.addresses import NotAllowed, allowed_place, is_public

GOOD = "https://video-product.cdn.minimax.io/a/output.mp4?Expires=1&Signature=a%2Bb%3D"
OSS = (
    "https://public-cdn-video-data-algeng.oss-cn-wulanchabu.aliyuncs.com/"
    "inference_output%2Fvideo%2F2025-08-29%2Foutput.mp4?Expires=1&OSSAccessKeyId=x&Signature=y%3D"
)


@pytest.mark.parametrize(
    "url", [GOOD, OSS, GOOD.replace(".io/", ".io:443/"), "HTTPS://A.MINIMAX.IO/x".lower()]
)
def test_the_provider_s_own_hosts_are_allowed(url):
    place = allowed_place(url, ())
    assert (place.url, place.port, place.trusted) == (url, 443, False)


EVIL = [
    "http://video-product.cdn.minimax.io/a.mp4",
    "https://video-product.cdn.minimax.io:8443/a.mp4",
    "https://video-product.cdn.minimax.io:0/a.mp4",
    "https://video-product.cdn.minimax.io:99999/a.mp4",
    "https://video-product.cdn.minimax.io:port/a.mp4",
    "https://video-product.cdn.minimax.io@evil.example/a.mp4",
    "https://user:password@video-product.cdn.minimax.io/a.mp4",
    "https://@video-product.cdn.minimax.io/a.mp4",
    "https://evil.example/video-product.cdn.minimax.io",
    "https://evil.example?.minimax.io",
    "https://evil.example#.minimax.io",
    "https://evil.example/#@video-product.cdn.minimax.io",
    "https://evilminimax.io/a.mp4",
    "https://minimax.io.evil.example/a.mp4",
    "https://minimax.io/a.mp4",
    "https://video.minimax.io./a.mp4",
    "https://.minimax.io/a.mp4",
    "https://a..minimax.io/a.mp4",
    "https://evil.example\\.minimax.io/a.mp4",
    "https://evil.example\\@video.minimax.io/a.mp4",
    "https://evil.example%2f.minimax.io/a.mp4",
    "https://evil.example%00.minimax.io/a.mp4",
    "https://evil.example\t.minimax.io/a.mp4",
    "https://evil.example\n.minimax.io/a.mp4",
    " https://video.minimax.io/a.mp4",
    "https://video.minimax.io/a.mp4\r\nX-Evil: 1",
    "https://video.mınımax.io/a.mp4",
    "https://video。minimax.io/a.mp4",
    "https:///a.mp4",
    "https:video.minimax.io/a.mp4",
    "//video.minimax.io/a.mp4",
    "video.minimax.io/a.mp4",
    "ftp://video.minimax.io/a.mp4",
    "file:///etc/passwd",
    "data:video/mp4;base64,AAAA",
    "gopher://video.minimax.io/",
    "javascript:alert(1)",
    "https://other-bucket.oss-cn-wulanchabu.aliyuncs.com/a.mp4",
    "https://video.minimax.io/" + "a" * 9000,
    "",
    *(
        f"{scheme}://{host}/latest/meta-data/"
        for scheme in ("http", "https")
        for host in (
            "169.254.169.254",
            "localhost",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:169.254.169.254]",
            "[fe80::1%25eth0]",
            "10.0.0.1",
            "metadata.google.internal",
            "8.8.8.8",
        )
    ),
]


@pytest.mark.parametrize("url", EVIL)
def test_everything_else_is_refused(url):
    with pytest.raises(NotAllowed) as caught:
        allowed_place(url, {"files.example", "127.0.0.1:9000"})
    assert "Signature" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:9000/a?sig=1", {"127.0.0.1:9000"}),
        ("https://127.0.0.1:9000/a", {"127.0.0.1:9000"}),
        ("http://files.example/a", {"files.example"}),
        ("https://files.example:443/a", {"files.example"}),
        ("https://files.example:8443/a", {"files.example:8443"}),
        ("http://[::1]:9000/a", {"[::1]:9000"}),
    ],
)
def test_a_setting_allows_exactly_what_it_names(url, allowed):
    assert allowed_place(url, allowed).trusted
    with pytest.raises(NotAllowed):
        allowed_place(url.replace("/a", ":1/a") if url.count(":") == 1 else url + "x", {"x"})


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://127.0.0.1:9001/", "http://x:9000/"])
def test_a_setting_with_a_port_allows_no_other(url):
    with pytest.raises(NotAllowed):
        allowed_place(url, {"127.0.0.1:9000"})


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "47.95.85.22", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:808:808::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "::127.0.0.1",
        "not an address",
        "",
    ],
)
def test_addresses_that_are_not(address):
    assert not is_public(address)
