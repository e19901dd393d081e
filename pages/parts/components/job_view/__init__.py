"""The light box: a job's result, or how far it is: `job_view` and the shape of its data."""

from pages.parts.components.job_view.job_view import JobView, Shown, job_view

__all__ = ["JobView", "Shown", "job_view"]
