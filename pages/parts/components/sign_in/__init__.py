"""Signing in and out: a form and a button that speak to the API."""

from pages.parts.components.sign_in.sign_in import sign_in, sign_out_button

__all__ = ["sign_in", "sign_out_button"]
