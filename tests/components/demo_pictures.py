"""Invented pictures and a film, drawn on the spot: no file of anybody's is needed."""

import io
from functools import cache

import av
import numpy as np
from PIL import Image, ImageFilter

SHAPES = ((1536, 1024), (1024, 1024), (1024, 1536), (1280, 720))
PALETTES = (
    ((28, 44, 84), (236, 150, 92), (38, 42, 54)),
    ((120, 176, 206), (246, 232, 196), (58, 92, 74)),
    ((62, 24, 58), (244, 110, 88), (26, 18, 32)),
    ((190, 206, 208), (252, 244, 226), (104, 118, 122)),
    ((18, 62, 70), (180, 214, 170), (14, 36, 40)),
    ((92, 70, 120), (250, 196, 160), (48, 40, 70)),
)


def landscape(number: int, *, width: int, height: int, shift: float = 0.0) -> Image.Image:
    """Return hills under a sky; the number decides colours, ridges and the place of the sun."""
    random = np.random.default_rng(number)
    sky, glow, ground = (np.array(colour, float) for colour in PALETTES[number % len(PALETTES)])
    down = np.linspace(0, 1, height)[:, None, None]
    picture = np.broadcast_to(sky + (glow - sky) * down**1.3, (height, width, 3)).copy()
    across, deep = np.meshgrid(np.arange(width), np.arange(height))
    sun_x, sun_y = width * (random.uniform(0.25, 0.75) + shift * 0.1), height * 0.38
    distance = np.hypot(across - sun_x, deep - sun_y) / height
    picture += (255 - picture) * np.exp(-((distance / 0.12) ** 2))[:, :, None] * 0.9
    for layer in range(4):
        ridge = np.zeros(width)
        for wave in range(1, 6):
            phase = random.uniform(0, 6.3) + shift * (layer + 1) * 0.5
            turns = 2 * np.pi * wave * random.uniform(0.6, 1.4)
            ridge += np.sin(np.arange(width) / width * turns + phase) / wave
        line = height * (0.5 + 0.13 * layer) + ridge * height * 0.045
        colour = glow + (ground - glow) * (0.35 + 0.21 * layer)
        picture[deep > line[None, :]] = colour
    picture += random.normal(0, 3, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


@cache
def picture(number: int, *, longest: int = 1536, blurred: bool = False) -> bytes:
    """Return a picture as WebP, its longest side at most `longest`."""
    width, height = SHAPES[number % len(SHAPES)]
    scale = min(1, longest / max(width, height))
    drawn = landscape(number, width=int(width * scale), height=int(height * scale))
    if blurred:
        drawn = drawn.filter(ImageFilter.GaussianBlur(longest / 40))
    return encoded(drawn, "WEBP")


def encoded(image: Image.Image, format: str) -> bytes:
    """Return an image file."""
    buffer = io.BytesIO()
    image.save(buffer, format, quality=82)
    return buffer.getvalue()


@cache
def png(*, width: int = 640, height: int = 480, number: int = 1) -> bytes:
    """Return a PNG of exactly this size."""
    return encoded(landscape(number, width=width, height=height), "PNG")


@cache
def cut_out() -> bytes:
    """Return a PNG with transparency, to see what lies behind a result."""
    drawn = landscape(1, width=900, height=700).convert("RGBA")
    across, deep = np.meshgrid(np.arange(900), np.arange(700))
    inside = np.hypot((across - 450) / 380, (deep - 350) / 300) < 1
    drawn.putalpha(Image.fromarray((inside * 255).astype(np.uint8)))
    return encoded(drawn, "PNG")


@cache
def film(*, seconds: int = 2) -> bytes:
    """Return a small H.264 film."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for index in range(seconds * 12):
            drawn = landscape(2, width=640, height=360, shift=index / 12)
            container.mux(stream.encode(av.VideoFrame.from_image(drawn)))
        container.mux(stream.encode())
    return buffer.getvalue()
