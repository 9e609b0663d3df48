"""What the senders' words about changes become."""

from datetime import UTC, datetime

import pytest

from incidents.payload import read_json
from incidents.providers import provider_for
from incidents.providers.base import UnreadablePayload
from incidents.providers.change_words import change_kind, change_status
from tests.incidents.recorded import recorded
from tests.payloads.poison import POISONS

AT_TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
SHA = "9f3c2ab1d0e4f5a6b7c8d9e0f1a2b3c4d5e6f708"


def change(name, **changes):
    provider = name.partition("/")[0]
    parsed = provider_for(provider).parse(recorded(name) | changes)
    assert not parsed.events
    assert not parsed.rejected
    return parsed.changes[0] if parsed.changes else None


def test_a_deployment_of_github_runs_until_its_status_says_more():
    begun, ended = change("github/deployment"), change("github/deployment_status")

    assert (begun.status, ended.status) == ("running", "succeeded")
    assert begun.key == ended.key == "shop/checkout/deployment/88001"
    assert (begun.service, begun.kind, begun.version) == ("checkout", "deploy", "v2.31")
    assert (begun.commit, begun.author, begun.environment) == (SHA, "dana", "production")
    assert begun.began_at == AT_TEN
    assert ended.ended_at == datetime(2026, 11, 20, 10, 3, 30, tzinfo=UTC)
    assert ended.url == "https://ci.example/runs/7"


def test_the_payload_of_a_deployment_may_name_another_service_than_the_repository():
    sent = recorded("github/deployment")
    sent["deployment"]["payload"] = {"service": "payments"}

    assert change("github/deployment", **sent).service == "payments"


@pytest.mark.parametrize(
    ("state", "status"),
    [("failure", "failed"), ("error", "failed"), ("queued", "running"), ("inactive", None)],
)
def test_every_state_of_a_deployment_is_known(state, status):
    sent = recorded("github/deployment_status")
    sent["deployment_status"]["state"] = state

    found = change("github/deployment_status", **sent)

    assert (found.status if found else None) == status


def test_a_release_is_told_when_it_is_published_and_not_when_it_is_drafted():
    assert change("github/release").version == "v2.31"
    assert change("github/release").title == "Released Autumn"
    assert change("github/release", action="created") is None


def test_a_workflow_that_deploys_is_a_change_and_one_that_tests_is_none():
    deploys, tests = change("github/workflow_run"), recorded("github/workflow_run")
    tests["workflow_run"]["name"] = "Unit tests"

    assert (deploys.kind, deploys.status) == ("deploy", "failed")
    assert change("github/workflow_run", **tests) is None


def test_a_push_counts_on_the_default_branch_only():
    pushed = change("github/push")

    assert (pushed.title, pushed.version, pushed.author) == ("Raise the pool", SHA[:7], "dana")
    assert change("github/push", ref="refs/heads/try") is None
    assert change("github/push", deleted=True) is None


def test_a_ping_of_github_is_read_and_says_nothing():
    assert change("github/ping") is None


@pytest.mark.parametrize("body", [{}, [], 5, {"a": 1}, {"repository": {"name": ""}}])
def test_what_is_not_of_github_is_refused(body):
    with pytest.raises(UnreadablePayload):
        provider_for("github").parse(body)


def test_a_sync_of_argo_cd_is_one_change_from_running_to_its_end():
    begun, ended = change("argocd/running"), change("argocd/succeeded")

    assert begun.key == ended.key
    assert (begun.status, ended.status) == ("running", "succeeded")
    assert begun.ended_at is None
    assert (ended.service, ended.version, ended.environment) == ("checkout", SHA[:7], "shop")


def test_a_sync_that_failed_is_a_change_that_failed():
    assert change("argocd/succeeded", phase="Error").status == "failed"


def test_an_event_of_a_rollout_is_a_deploy_of_the_labelled_service():
    rolled = change("kubernetes/rollout_event")

    assert (rolled.kind, rolled.service, rolled.environment) == ("deploy", "checkout", "shop")
    assert rolled.began_at == datetime(2026, 11, 20, 10, 0, 1, tzinfo=UTC)


def test_the_steps_of_one_rollout_are_one_change():
    first = change("kubernetes/rollout_event")

    second = change(
        "kubernetes/rollout_event",
        message="Scaled up replica set checkout-6d4cf56db6 from 1 to 3",
    )

    assert first.key == second.key


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "Scaled down replica set checkout-5c to 0 from 1"},
        {"reason": "Scheduled", "message": "Successfully assigned shop/checkout to node-1"},
        {"reason": "BackOff", "message": "Back-off restarting failed container"},
    ],
)
def test_what_changes_nothing_in_a_cluster_says_nothing(changes):
    assert change("kubernetes/rollout_event", **changes) is None


def test_an_autoscaler_s_rescaling_is_a_change_of_scale():
    rescaled = change(
        "kubernetes/rollout_event",
        reason="SuccessfulRescale",
        message="New size: 5; reason: cpu resource utilization above target",
    )

    assert rescaled.kind == "scale"
    assert "New size: 5" in rescaled.title


def test_a_deployment_says_how_far_its_rollout_is():
    rolled = change("kubernetes/deployment")

    assert (rolled.status, rolled.version, rolled.service) == ("succeeded", "2.31", "checkout")
    assert rolled.key == "shop/Deployment/checkout/9"


def test_of_a_batch_what_cannot_be_read_spoils_only_itself():
    good, dull = recorded("kubernetes/rollout_event"), recorded("kubernetes/rollout_event")
    dull["reason"] = "Pulled"

    parsed = provider_for("kubernetes").parse({"items": [good, {"kind": "Pod"}, dull]})

    assert len(parsed.changes) == 1
    assert [rejected.index for rejected in parsed.rejected] == [1]


def test_a_change_event_of_pagerduty_may_name_its_service_and_version():
    deployed = change("pagerduty/change_deploy")

    assert (deployed.kind, deployed.status, deployed.service) == ("deploy", "succeeded", "checkout")
    assert (deployed.version, deployed.author) == ("4.2", "dana")
    assert deployed.url == "https://ci.example/42"
    assert deployed.began_at == datetime(2026, 11, 20, 8, 42, 58, 315000, tzinfo=UTC)


def test_a_change_event_without_details_is_still_a_change():
    bare = change("pagerduty/change")

    assert (bare.title, bare.service) == ("Deployed checkout 4.2", "")


def test_any_json_that_says_it_is_a_change_is_one():
    parsed = provider_for("generic").parse(
        {"events": [recorded("generic/change"), {"title": "Disk full"}]}
    )

    assert [(each.title, each.key) for each in parsed.changes] == [
        ("Deployed checkout 4.2", "ci-42")
    ]
    assert [event.name for event in parsed.events] == ["Disk full"]


def test_a_mapping_of_alerts_does_not_hide_a_change():
    mapped = provider_for("generic", {"mapping": {"name": "headline"}})

    assert mapped.parse(recorded("generic/change")).changes[0].version == "4.2"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Deployed checkout 4.2", "deploy"),
        ("rollback of payments", "deploy"),
        ("Feature flag new-cart on", "flag"),
        ("configuration of the pool", "config"),
        ("scaled to 5 replicas", "scale"),
        ("restarted the cache", "restart"),
        ("lunch", "other"),
        ("", "other"),
    ],
)
def test_the_kind_of_a_change_is_told_by_its_words(words, kind):
    assert change_kind(words) == kind


def test_who_does_not_say_how_it_went_tells_of_something_done():
    assert change_status("") == "succeeded"
    assert change_status("In-Progress") == "running"
    assert change_status("FAILED") == "failed"


@pytest.mark.parametrize("slug", ["github", "argocd", "kubernetes", "generic", "pagerduty"])
@pytest.mark.parametrize("hostile", [None, 5, "x", [], [[]], {"type": "change", "title": []}])
def test_nonsense_is_refused_or_set_aside_and_never_an_error(slug, hostile):
    try:
        parsed = provider_for(slug).parse(hostile)
    except UnreadablePayload:
        return
    assert not parsed.changes


@pytest.mark.parametrize("slug", ["github", "argocd", "kubernetes", "generic", "pagerduty"])
def test_what_poisons_others_is_refused_or_says_nothing_here(slug):
    for bad in POISONS:
        if bad.outcome == "read":
            try:
                parsed = provider_for(slug).parse(read_json(bad.body, bad.content_type))
            except UnreadablePayload:
                continue
            assert not parsed.changes
