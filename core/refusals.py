"""What a code means for a person: whose fault, what to do, whether it is safe, what it cost."""

from collections.abc import Mapping
from typing import Final

from core import gate_sentences
from core.errors import Message, msg

SETTINGS: Final[Mapping[str, str]] = {
    "OpenAI": "OPENAI_API_KEY, OPENAI_BASE_URL",
    "MiniMax": "MINIMAX_API_KEY, MINIMAX_BASE_URL",
}

NOT_SENT: Final[Mapping[str, Message]] = {
    "unreachable": msg(
        "{provider} could not be reached, so nothing was sent and nothing was charged. "
        "It is tried again by itself."
    ),
    "too_late": msg(
        "The time for this request ran out before it could be sent. Nothing was charged. "
        "It is tried again by itself."
    ),
    "input_unreadable": msg(
        "A picture of this job could not be read on our side, so nothing was sent to {provider} "
        "and nothing was charged. It is tried again by itself."
    ),
    "input_missing": msg(
        "A picture of this job is gone from our storage, so nothing was sent to {provider} and "
        "nothing was charged. Upload it again and start a new job."
    ),
    "input_changed": msg(
        "Our storage holds other bytes than it was given for a picture of this job, so nothing was "
        "sent to {provider} and nothing was charged. That is our fault: tell an administrator, "
        "and start a new job with the picture saved anew."
    ),
    "spool_unwritable": msg(
        "The worker has no place to keep {provider}'s answer, so nothing was sent and nothing was "
        "charged. An administrator must look at the worker's disk."
    ),
    "answer_is_here": msg(
        "The answer to an earlier request of this job lies on the worker's disk. It is taken up "
        "first; until then nothing else is sent or charged."
    ),
    "storage_unavailable": msg(
        "Our storage does not answer. Nothing is lost; it is tried again by itself."
    ),
}

NOT_TAKEN: Final[Mapping[str, Message]] = {
    "rate_limited": msg(
        "{provider} limits how much we may send. This request was not taken and not charged; "
        "it is sent again by itself when the wait is over."
    ),
    "slow_down": msg(
        "{provider} asks us to send more slowly. This request was not taken and not charged; it is "
        "sent again by itself, and for a quarter of an hour only half as many are sent."
    ),
    "overloaded": msg(
        "{provider} is overloaded. This request was not taken and not charged; it is sent again "
        "by itself."
    ),
    "quota_exhausted": msg(
        "Our quota at {provider} is used up. This request was not taken and not charged. It waits "
        "until an administrator has raised the limit or added credit, and opens the gate."
    ),
    "usage_window_full": msg(
        "The usage limit of our plan at {provider} is reached for now. This request was not taken "
        "and not charged; it is sent again by itself when the plan allows it."
    ),
    "balance_empty": msg(
        "Our balance at {provider} is empty. This request was not taken and not charged. It waits "
        "until an administrator has topped the account up, and opens the gate."
    ),
    "key_invalid": msg(
        "{provider} does not accept our API key. This request was not taken and not charged. "
        "An administrator must check {setting}: a key works only at the address of its own region."
    ),
    "account_unverified": msg(
        "{provider} wants our account verified first. This request was not taken and not charged. "
        "It waits until an administrator has done so, and opens the gate."
    ),
    "wrong_address": msg(
        "{provider} knows nothing at the address we use. This request was not taken and not "
        "charged. An administrator must check {setting}."
    ),
}

REFUSED: Final[Mapping[str, Message]] = {
    "key_not_allowed": msg(
        "{provider} does not let our key do this. The request was refused and not charged. Choose "
        "another model, or ask an administrator to check what our key may do."
    ),
    "organization_unverified": msg(
        "{provider} lets only verified organizations use this model. The request was refused and "
        "not charged. Choose another model, or ask an administrator to verify the organization; "
        "after that it can take a quarter of an hour."
    ),
    "country_not_supported": msg(
        "{provider} does not serve the country our server is in. The request was refused and not "
        "charged. An administrator must look into it."
    ),
    "model_not_available": msg(
        "{provider} does not offer this model to us, or has shut it down. The request was refused "
        "and not charged. Choose another model."
    ),
    "plan_lacks_model": msg(
        "Our plan at {provider} does not include this model. The request was refused and not "
        "charged. Choose another model, or ask an administrator to change the plan."
    ),
    "moderation_input": msg(
        "{provider}'s safety check refused the prompt or a picture. Sending the same again will "
        "be refused too: change the prompt or the picture and start a new job."
    ),
    "moderation_output": msg(
        "{provider}'s safety check stopped this request and may have withheld a result. Whether "
        "it was charged is not known. Another prompt may pass: change it and start a new job."
    ),
    "invisible_characters": msg(
        "{provider} refused the prompt because too much of it is invisible characters. Type it "
        "anew instead of pasting it, and start a new job. It was not charged."
    ),
    "invalid_request": msg(
        "{provider} refused this combination of options. It was not charged, and sending the same "
        "again will be refused too: read what it said, change that and start a new job."
    ),
    "invalid_image": msg(
        "{provider} cannot read a picture of this job. It was not charged. Save the picture as an "
        "ordinary 8-bit PNG or JPEG and start a new job."
    ),
    "mask_invalid": msg(
        "{provider} refused the mask: it must be a PNG with transparency, as large as the first "
        "picture. It was not charged. Draw the mask anew and start a new job."
    ),
    "too_large": msg(
        "The pictures of this job are too large for {provider}. It was not charged. Use smaller or "
        "fewer pictures and start a new job."
    ),
}

UNKNOWN: Final[Mapping[str, Message]] = {
    "no_answer": msg(
        "The request went to {provider} and no answer came. It may have been charged, so it is "
        "not sent again unless you say so: sending it again may cost a second time."
    ),
    "answer_cut": msg(
        "{provider}'s answer broke off before its end. It may have been charged, so it is not sent "
        "again unless you say so: sending it again may cost a second time."
    ),
    "answer_unreadable": msg(
        "{provider}'s answer could not be read. It may have been charged, so it is not sent again "
        "unless you say so: sending it again may cost a second time."
    ),
    "answer_not_saved": msg(
        "{provider}'s answer came and our worker could not write it to its disk. It was probably "
        "charged. An administrator must look at the disk; sending it again may cost a second time."
    ),
    "provider_internal": msg(
        "{provider} had a fault of its own while it worked on the request. It may have been "
        "charged, so it is not sent again unless you say so: sending it again may cost a second "
        "time."
    ),
    "unexpected_answer": msg(
        "{provider} answered something we do not know. It may have been charged, so it is not sent "
        "again unless you say so: sending it again may cost a second time."
    ),
    "no_task_id": msg(
        "{provider} said yes without a task number. It may be at work and charged, so it is not "
        "sent again unless you say so: sending it again may cost a second time."
    ),
    "restored": msg(
        "Our database was restored from an older copy, which does not know whether this request "
        "was sent to {provider} since. It may have been charged, so it is not sent again unless "
        "you say so: sending it again may cost a second time."
    ),
    "called_back": msg(
        "{provider} had turned this request away, and then called back about it all the same. It "
        "may have been charged, so it is not sent again unless you say so: sending it again may "
        "cost a second time."
    ),
    "worker_lost": msg(
        "The worker was lost while it was sending this request to {provider}. It may have been "
        "charged, so it is not sent again unless you say so: sending it again may cost a second "
        "time."
    ),
}

BAD_RESULT: Final[Mapping[str, Message]] = {
    "empty_result": msg(
        "{provider} answered in full, without a result. That is {provider}'s fault, and it was "
        "charged. The answer is kept for a complaint; a new job costs again."
    ),
    "not_an_image": msg(
        "What {provider} sent is not an image. That is {provider}'s fault, and it was charged. The "
        "answer is kept for a complaint; a new job costs again."
    ),
    "answer_lost": msg(
        "{provider}'s answer came, and the disk it was kept on is gone before it could be stored. "
        "That is our fault, and it was charged. An administrator must look at the worker's disk; "
        "a new job costs again."
    ),
    "never_whole": msg(
        "{provider} made this video and it was charged, but each time it was fetched it did not "
        "arrive whole. If it still does on a later try, it is kept here; an administrator may find "
        "it in our account at {provider} too. A new job costs again."
    ),
    "not_a_video": msg(
        "What {provider} sent cannot be played as a video. That is {provider}'s fault, and it was "
        "charged. The file is kept for a complaint; a new job costs again."
    ),
}

GIVEN_UP: Final[Mapping[str, Message]] = {
    "generation_failed": msg(
        "{provider} took the request and could not finish it. Failed videos are usually not "
        "charged. You can start a new job; changing the prompt may help."
    ),
    "task_expired": msg(
        "{provider} kept this task only for some days and has dropped it. A new job costs again."
    ),
    "result_expired": msg(
        "{provider} had finished this video and it was charged, but it could not be copied to us "
        "as long as {provider} kept it. A new job costs again."
    ),
    "result_deleted": msg(
        "{provider} had finished this video when a cancellation deleted it there: it was charged, "
        "and the video is gone. A new job costs again."
    ),
    "cancelled_at_provider": msg(
        "The task was cancelled at {provider} before it began, and not charged. You can start a "
        "new job."
    ),
    "expired": msg(
        "{provider} did not take this request within a day, or could not be reached. You can start "
        "a new job."
    ),
    "expired_here": msg(
        "Something on our side kept this request back for a day; it was not {provider}'s fault. "
        "An administrator must look into it. You can start a new job."
    ),
    "expired_in_line": msg(
        "The turn of this request did not come within a day. An administrator can tell whether no "
        "worker was running or the gate of {provider} was closed. You can start a new job."
    ),
    "abandoned": msg(
        "You gave up on this request. It may have been charged. If its result still turns up, it "
        "is kept here."
    ),
    "stopped_waiting": msg(
        "You stopped waiting for this video. {provider} had taken the request, so it is charged if "
        "the video is still made; then it is kept here. A new job costs again."
    ),
}

READING: Final[Mapping[str, Message]] = {
    "check_failed": msg(
        "{provider} could not be asked how the task stands. Nothing is lost; it is asked again by "
        "itself, and asking is free."
    ),
    "check_limited": msg(
        "{provider} limits how often we may ask how the task stands. The task itself goes on; it "
        "is asked about again by itself, and asking is free."
    ),
    "check_refused": msg(
        "{provider} does not let us ask how the task stands, because of our key or our account. "
        "The task itself goes on; it is asked about again by itself, and asking is free. An "
        "administrator must check {setting}."
    ),
    "check_incomplete": msg(
        "{provider}'s word on the task was incomplete. Nothing is lost; it is asked again by "
        "itself, and asking is free."
    ),
    "task_not_found": msg(
        "{provider} does not know this task at the moment. It is asked again by itself; if that "
        "goes on, ask an administrator."
    ),
    "result_not_ready": msg(
        "{provider} says that the result is not ready after all. It is asked again by itself."
    ),
    "link_expired": msg(
        "The download link has run out. {provider} is asked for a fresh one by itself, which is "
        "free."
    ),
    "link_not_allowed": msg(
        "The result lies at an address we do not trust, so it is not fetched. An administrator "
        "can allow its host, which the worker's log names, in DOWNLOAD_ALLOWED_HOSTS. It is tried "
        "again ever more rarely; {provider} keeps it for some days."
    ),
    "download_failed": msg(
        "The result could not be fetched from {provider}. It is tried again by itself, which is "
        "free."
    ),
    "download_cut": msg(
        "The result did not arrive whole. It is fetched again by itself, which is free."
    ),
    "download_broken": msg(
        "The file that arrived cannot be played. It is fetched again by itself, which is free."
    ),
    "download_too_large": msg(
        "The result is larger than we accept, so it is not stored. An administrator can raise "
        "RESULT_URL_MAX_BYTES. It is tried again ever more rarely; {provider} keeps it for some "
        "days."
    ),
    "decoder_failed": msg(
        "The result is here, and our part that looks into files failed; our machine may be short "
        "of memory. Nothing is lost; it is tried again by itself. If that goes on, ask an "
        "administrator."
    ),
}

SENTENCES: Final[Mapping[str, Message]] = {
    **NOT_SENT,
    **NOT_TAKEN,
    **REFUSED,
    **UNKNOWN,
    **BAD_RESULT,
    **GIVEN_UP,
    **READING,
}
# What it cost is said beside these, by `core.sentences.about_money`: it depends on the job.
CHARGE_UNSAID: Final = frozenset({"moderation_input", "expired", "expired_here", "expired_in_line"})
UNFORESEEN: Final = msg("{provider} did not do what was asked (code {code}).")


def explain(code: str, *, provider: str) -> Message:
    """Return the sentence for one of our codes. `provider` is its name: OpenAI, MiniMax."""
    sentence = SENTENCES.get(code, UNFORESEEN)
    return Message(sentence.text, _values(code, provider))


def explain_gate(code: str, *, provider: str) -> Message:
    """Return the sentence for why a gate is closed: about all that waits, not one request."""
    sentence = gate_sentences.SENTENCES.get(code, gate_sentences.UNFORESEEN)
    return Message(sentence.text, _values(code, provider))


def _values(code: str, provider: str) -> Mapping[str, object]:
    return {"provider": provider, "setting": SETTINGS.get(provider, provider), "code": code}
