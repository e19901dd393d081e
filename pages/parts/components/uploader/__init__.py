"""Uploads straight to the bucket: `uploader` and the shapes of what goes in and comes out."""

from pages.parts.components.uploader.uploader import Chosen, PixelRule, UploadedAsset, uploader

__all__ = ["Chosen", "PixelRule", "UploadedAsset", "uploader"]
