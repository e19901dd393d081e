"""Uploads straight to the bucket: `uploader` and the shapes of what goes in and comes out."""

from pages.parts.components.uploader.uploader import PixelRule, UploadedAsset, uploader

__all__ = ["PixelRule", "UploadedAsset", "uploader"]
