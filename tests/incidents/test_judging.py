"""A person says which probable cause it was, and which it was not."""

import pytest
from django.db import IntegrityError, transaction

from incidents import judging, knowledge
from incidents.analysis import pipeline
from incidents.lifecycle import InvalidTransition
from incidents.models import AnalysisStep, CauseLabel, KnowledgeArticle
from tests.incidents.analysis_world import add_alert, build_shop, open_incident, resolve
from tests.incidents.pages_world import make_person

pytestmark = pytest.mark.django_db
CONFIRMED, REJECTED = CauseLabel.Verdict.CONFIRMED, CauseLabel.Verdict.REJECTED


@pytest.fixture
def incident():
    """Payments is down, which the analysis finds; checkout above it alerts first."""
    shop = build_shop()
    incident = open_incident(shop["checkout"], title="checkout fails")
    add_alert(incident, "HighErrorRate", shop["checkout"])
    add_alert(incident, "ServiceDown", shop["payments"], summary="payments is down", after=5)
    return analysed(incident)


def analysed(incident):
    pipeline.begin(incident.number)
    while pipeline.run_next(incident.number):
        pass
    incident.refresh_from_db()
    return incident


def judge(incident, service, verdict, by, reason=""):
    judging.judge(incident.number, service, verdict=verdict, by=by, reason=reason)
    incident.refresh_from_db()


def told(incident):
    return list(incident.timeline.filter(kind="cause").values_list("actor", "text"))


def queued(incident):
    return incident.analysis_steps.filter(state=AnalysisStep.State.PENDING).exists()


def test_a_confirmed_cause_is_the_incidents_cause_and_service(incident, dana):
    assert (incident.cause, incident.service.slug) == ("payments is down", "payments")

    judge(incident, "checkout", CONFIRMED, dana)

    assert incident.cause.startswith("checkout")
    assert incident.cause_confidence == 1.0
    assert incident.service.slug == "checkout"
    assert told(incident) == [("dana", f"Confirmed the cause: {incident.cause}")]


def test_what_was_judged_is_kept_as_it_was_found_to_learn_from(incident, dana):
    judge(incident, "checkout", REJECTED, dana, "it only waits for payments")

    label = CauseLabel.objects.get()
    assert (label.verdict, label.reason, label.by) == (
        REJECTED,
        "it only waits for payments",
        dana,
    )
    assert label.candidate["service"] == "checkout"
    assert label.candidate["evidence"]
    assert len(label.candidate["points"]) == len(label.candidate["evidence"])


def test_after_a_rejected_cause_the_next_one_is_believed(incident, dana):
    judge(incident, "payments", REJECTED, dana, "restarted, no change")

    assert incident.cause.startswith("checkout")
    assert incident.cause_confidence < 1
    assert told(incident) == [("dana", "Not the cause: payments is down (restarted, no change)")]


def test_when_every_cause_is_ruled_out_none_is_known_and_the_first_alerts_service_stays(
    incident, dana
):
    judge(incident, "payments", REJECTED, dana)

    judge(incident, "checkout", REJECTED, dana)

    assert (incident.cause, incident.cause_confidence) == ("", None)
    assert incident.service.slug == "checkout"


def test_what_was_said_can_be_taken_back_and_stays_on_record(incident, dana):
    judge(incident, "checkout", CONFIRMED, dana)

    judge(incident, "checkout", None, dana)

    assert (incident.cause, incident.service.slug) == ("payments is down", "payments")
    assert not CauseLabel.objects.standing().exists()
    assert CauseLabel.objects.get().withdrawn_at is not None
    assert told(incident)[-1][1].startswith("Took back what was said of the cause: checkout")


def test_confirming_another_cause_takes_the_place_of_the_first(incident, dana):
    judge(incident, "checkout", CONFIRMED, dana)

    judge(incident, "payments", CONFIRMED, dana)

    standing = CauseLabel.objects.standing().get()
    assert (standing.service, incident.service.slug) == ("payments", "payments")


def test_saying_the_same_again_changes_nothing(incident, dana):
    judge(incident, "payments", CONFIRMED, dana)
    before = incident.last_seq

    judge(incident, "payments", CONFIRMED, dana)
    judge(incident, "checkout", None, dana)

    assert incident.last_seq == before
    assert CauseLabel.objects.count() == 1


def test_somebody_else_may_say_otherwise(incident, dana):
    judge(incident, "payments", CONFIRMED, dana)

    judge(incident, "payments", REJECTED, make_person("lee", "responder"))

    standing = CauseLabel.objects.standing().get()
    assert (standing.verdict, standing.by.username) == (REJECTED, "lee")


def test_a_service_nobody_suspects_cannot_be_judged(incident, dana):
    with pytest.raises(InvalidTransition, match="suspects payments, checkout, not 'catalog'"):
        judge(incident, "catalog", CONFIRMED, dana)

    assert told(incident) == []


def test_another_look_keeps_to_what_a_person_said(incident, dana):
    judge(incident, "checkout", CONFIRMED, dana)

    analysed(incident)

    assert not queued(incident)
    assert (incident.service.slug, incident.cause_confidence) == ("checkout", 1.0)


def test_a_word_spoken_while_the_cause_is_looked_for_is_heard(incident, dana, monkeypatch):
    pipeline.run_again(incident.number)
    look = pipeline._look

    def interrupted(step):
        outcome = look(step)
        if step.name == "root_cause":
            judge(incident, "payments", REJECTED, dana)
        return outcome

    monkeypatch.setattr(pipeline, "_look", interrupted)
    analysed(incident)

    assert incident.cause.startswith("checkout")


def test_a_confirmed_cause_stays_though_another_look_does_not_find_it(incident, dana):
    judge(incident, "checkout", CONFIRMED, dana)
    result = {"candidates": []}
    incident.analysis_steps.filter(name="root_cause").update(result=result)

    pipeline.believe(incident)

    incident.refresh_from_db()
    assert (incident.service.slug, incident.cause_confidence) == ("checkout", 1.0)


def test_a_changed_service_is_looked_at_again_and_the_same_is_not(incident, dana):
    judge(incident, "payments", CONFIRMED, dana)
    assert not queued(incident)

    judge(incident, "checkout", CONFIRMED, dana)

    assert queued(incident)
    analysed(incident)
    assert incident.analysis_steps.get(name="impact").result["service"] == "checkout"


def test_the_article_names_the_cause_a_person_confirmed(incident, dana):
    judge(incident, "checkout", CONFIRMED, dana)
    resolve(incident)

    knowledge.learn(incident.number)

    article = KnowledgeArticle.objects.get(incident=incident)
    assert article.service.slug == "checkout"
    assert "Confirmed by dana." in article.body
    assert "payments is down. Confidence" not in article.body
    assert "- HighErrorRate fired on it" in article.body


def test_a_cause_confirmed_after_the_end_brings_the_article_up_to_date(incident, dana):
    resolve(incident)
    knowledge.learn(incident.number)

    judge(incident, "payments", CONFIRMED, dana)

    article = KnowledgeArticle.objects.get(incident=incident)
    assert "payments is down. Confirmed by dana." in article.body
    assert not queued(incident)


def test_the_database_keeps_it_to_one_confirmed_cause(incident, dana):
    facts = {"incident": incident, "verdict": CONFIRMED, "candidate": {}, "by": dana}
    CauseLabel.objects.create(service="payments", **facts)

    with pytest.raises(IntegrityError), transaction.atomic():
        CauseLabel.objects.create(service="checkout", **facts)
