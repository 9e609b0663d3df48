"""P-18: a token says who sends, and nothing about it can be learnt by asking."""

import asyncio
import random
import time

import pytest
from scipy.stats import mannwhitneyu

from incidents.api.senders import identify
from incidents.models import Integration
from telemetry.credentials import hash_token
from tests.intake.conftest import alert, basic, group

PATH = "/api/v1/webhooks/alertmanager/"
TRIES, ATTEMPTS = 1_000, 3
LEAST_P = 0.01


@pytest.mark.parametrize("token_hash", ["", hash_token("")])
def test_an_empty_secret_opens_nothing_even_where_one_is_stored(door, connect, token_hash):
    sender = connect("alertmanager").integration
    Integration.objects.filter(pk=sender.pk).update(token_hash=token_hash)
    headers = [{}, {"authorization": "Bearer "}, {"authorization": basic("")}]

    answers = [door.post(PATH, group(alert()), headers=each) for each in headers]

    assert [answer.status_code for answer in answers] == [401] * 3


def test_a_token_that_is_almost_right_is_refused_as_fast_as_one_that_is_all_wrong(door, connect):
    """By chance alone one attempt in a hundred looks otherwise, three in a row one in a million."""
    token = connect("alertmanager").token
    other = "x" if token[0] != "x" else "y"
    wrong = {"first": other + token[1:], "last": token[:-1] + other}

    assert any(
        mannwhitneyu(*seconds_to_refuse(wrong).values()).pvalue > LEAST_P for _ in range(ATTEMPTS)
    )


def seconds_to_refuse(tokens):
    """In an order nobody can foresee, so that a busy machine is busy for all of them alike."""
    seconds = {name: [] for name in tokens}
    turns = [name for name in tokens for _ in range(TRIES)]
    random.shuffle(turns)
    with asyncio.Runner() as runner:
        for name in turns:
            started_at = time.perf_counter()
            sender = runner.run(identify(tokens[name], "alertmanager"))
            seconds[name].append(time.perf_counter() - started_at)
            assert sender is None
    return seconds
