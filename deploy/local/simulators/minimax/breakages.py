"""Every way this simulator can be told to fail, by name.

Faults of a creation are free unless said otherwise; `args` `{"billed": true|false}` decides for
each of them. What concerns a task's later life is drawn at its creation and survives a restart.
"""

from collections.abc import Mapping

from deploy.local.simulators.minimax.refusals import MESSAGES

GATEWAY = (401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 504, 529)
PAGES = {"html_502": 502, "gateway_504": 504, "gateway_520": 520, "gateway_524": 524}

ERRORS = {
    f"error:{code}": f"Creation answers {code} {text!r}: inside HTTP 200 (v1), as a status (v2)."
    for code, text in MESSAGES.items()
}
STATUSES = {
    f"status:{status}": f"Creation answers HTTP {status} in the gateway's form, v1 too."
    for status in GATEWAY
}
BROKEN = {
    **{name: f"Creation: billed; an HTML page with status {code}." for name, code in PAGES.items()},
    "html_200": "Creation: billed; the answer is 200 with an HTML page.",
    "reset_after_accept": "Creation: billed; after `after_s` (0) the connection is reset.",
    "hang": "Creation: billed; no answer for `seconds` (600), then the connection is closed.",
    "body_cut": "Creation: billed; the body stops after `share` (0.5) of its announced length.",
    "unframed_cut": "Creation: billed; the same without any length: it looks like an end.",
    "trickle": "Creation: billed; one byte of the body every `interval_s` (1).",
}
IDS = {
    "task_id_missing": "Creation: billed; the answer has no task id.",
    "task_id_empty": 'Creation: billed; the task id is "".',
    "task_id_null": "Creation: billed; the task id is null.",
    "task_id_number": "Creation: billed; the task id is a number instead of a string.",
    "task_id_zero": "Creation: billed; the task id is 0.",
    "task_id_long": "Creation: billed; the task id has `length` (1048576) digits.",
    "task_id_duplicate": "Creation: billed; the task id is that of the task before.",
    "task_id_beside_error": "Creation: billed; the task id (`number`: as one) beside error 1002.",
}
BEFORE_READING = {
    "reset_before_read": "Creation: reset before the body is read (no `match`); not billed.",
}
DELAYS = {"delay": "Creation: the answer takes `seconds` (1) longer."}
FATES = {
    "output_sensitive": "The task ends in failure, code 1027.",
    "fails": "The task ends in failure, code `code` (1000).",
    "stuck": "The task never leaves Processing.",
    "callback_never": "No challenge and no push.",
    "callback_wrong_echo": "The echo counts as wrong, whatever it is: no push follows.",
    "callback_duplicate": "Each push is sent twice.",
    "callback_out_of_order": "The last push comes first.",
    "callback_delayed": "Each push comes `seconds` (30) late.",
    "callback_before_reply": "Challenge and first push come before the answer to the creation.",
}
READS = {
    "query_error": "A query or list answers `code` (1000).",
    "query_status": "A query or list answers HTTP `status` (500); `html` makes it a page.",
    "query_hang": "A query or list gets no answer for `seconds` (600).",
    "query_reset": "A query or list is reset.",
    "query_cut": "The answer to a query or list stops half way.",
}
ANSWERS = {
    "failed_spelling": "A failed v1 task reads `Failed` instead of `Fail`.",
    "odd_status": "The status of any task reads `value` (Unknown).",
    "success_without_file_id": "A finished v1 task has no file id.",
    "no_download_url": "No link: `download_url` (v1) or `content.url` (v2) is missing.",
    "evil_url": "The link is `url` (http://169.254.169.254/latest/meta-data/).",
    "url_expired": "The link is dead when it is given out.",
    "retrieve_error": "v1 `files/retrieve` and `retrieve_content` answer `code` (1000).",
    "unknown_id_500": "An unknown v2 id is a 500 `record not found` instead of a 400.",
    "list_lag": "The v2 list leaves out tasks of the last `seconds` (30).",
}
DOWNLOADS = {
    "download_status": "The download answers `status` (403) with XML.",
    "download_truncated": "It stops after `share` (0.5) of its length.",
    "download_too_long": "More arrives than Content-Length says (half of it).",
    "download_huge_length": "Content-Length says `bytes` (50000000000); then nothing more comes.",
    "download_endless": "It has no length and never ends.",
    "download_trickle": "One byte every `interval_s` (1).",
    "download_reset": "It is reset in the middle.",
    "download_redirect": "It redirects to `url` (http://169.254.169.254/latest/meta-data/).",
    "download_html": "It is an HTML page that is called a video.",
    "download_moov_cut": "The index of the file is cut; the length is honest.",
    "download_cut_file": "It is the first `share` (0.5) of the file; the length is honest.",
    "download_huge_frame": "It is a tiny valid MP4 of `side` x `side` (8192) pixels.",
    "download_playlist": "It is an HLS playlist called .mp4 that points at `url`.",
}

CREATION = {**ERRORS, **STATUSES, **BROKEN, **IDS}
KNOWN: Mapping[str, str] = {
    **CREATION,
    **BEFORE_READING,
    **DELAYS,
    **FATES,
    **READS,
    **ANSWERS,
    **DOWNLOADS,
}
BILLED = frozenset({*BROKEN, *IDS})  # unless `args` says otherwise
INSIDE_URL = "http://169.254.169.254/latest/meta-data/"


def page(status: int) -> bytes:
    """Return the HTML page of a gateway."""
    return (
        f"<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1>"
        "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()
