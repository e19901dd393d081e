"""What a file is by its first bytes. Whether it is a whole one, only decoding tells."""

HEAD_BYTES = 64

PNG = "image/png"
JPEG = "image/jpeg"
WEBP = "image/webp"
GIF = "image/gif"
AVIF = "image/avif"
MP4 = "video/mp4"
QUICKTIME = "video/quicktime"

NAMES = {
    PNG: "PNG",
    JPEG: "JPEG",
    WEBP: "WebP",
    GIF: "GIF",
    AVIF: "AVIF",
    MP4: "MP4",
    QUICKTIME: "QuickTime",
}

UPLOADS = frozenset({PNG, JPEG, WEBP, MP4})  # what a user may upload
RESULTS = frozenset({PNG, JPEG, WEBP, GIF})  # pictures that a provider may answer with

# The registered brands (mp4ra.org) under which encoders write what browsers call MP4.
_MP4 = b"isomiso2iso3iso4iso5iso6iso7iso8iso9mp41mp42avc1hvc1hev1av01M4V M4VHM4VPMSNVdashmmp4f4v "
MP4_BRANDS = frozenset(_MP4[at : at + 4] for at in range(0, len(_MP4), 4))
AVIF_BRANDS = frozenset({b"avif", b"avis"})


def sniff(head: bytes) -> str | None:
    """Return the media type of a file's first HEAD_BYTES bytes, None for any other kind."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"RIFF") and head[8:15] == b"WEBPVP8":
        return WEBP
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    return _boxed(head) if head[4:8] == b"ftyp" else None


def _boxed(head: bytes) -> str | None:
    """Return what an ISO file says it is: its major brand first, then the compatible ones."""
    end = min(int.from_bytes(head[:4]), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    for brand in brands:
        if brand in AVIF_BRANDS:
            return AVIF
        if brand in MP4_BRANDS:
            return MP4
    return QUICKTIME if brands[0] == b"qt  " else None
