from datetime import timedelta

import pytest
from django.utils import timezone
from markdown_it import MarkdownIt

from incidents import knowledge, lifecycle
from incidents.analysis import pipeline
from incidents.knowledge import escape_markdown
from incidents.models import KnowledgeArticle, KnownFix
from tests.incidents.analysis_world import add_alert, build_shop, open_incident, resolve

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return build_shop()


@pytest.fixture
def incident(shop):
    incident = open_incident(shop["checkout"], title="checkout does not answer")
    add_alert(incident, "ServiceDown", shop["checkout"], summary="no answer to the probe")
    return incident


def knowledge_entries(incident):
    return list(incident.timeline.filter(kind="knowledge").values_list("text", flat=True))


def record(incident, reference="execution:1", *, verified=True):
    return knowledge.record_fix(
        incident.number, runbook="restart-service", verified=verified, reference=reference
    )


def test_a_resolved_incident_leaves_an_article(incident):
    pipeline.begin(incident.number)
    while pipeline.run_next(incident.number):
        pass
    record(incident)
    resolve(incident)

    learnt = knowledge.learn(incident.number)

    article = KnowledgeArticle.objects.get(incident=incident)
    assert learnt is True
    assert article.title == "checkout does not answer"
    assert article.service.slug == "checkout"
    assert article.classification == "service_down"
    assert "- ServiceDown on checkout: no answer to the probe" in article.body
    assert "checkout is down. Confidence 0.70." in article.body
    assert "restart-service fixed it, verified" in article.body
    assert "Resolved" in article.body
    assert knowledge_entries(incident) == ["Knowledge base: restart-service fixed it, verified"]


def test_nothing_is_learnt_from_an_active_incident(incident):
    assert knowledge.learn(incident.number) is False
    assert not KnowledgeArticle.objects.exists()


def test_learning_again_changes_nothing(incident):
    resolve(incident)
    knowledge.learn(incident.number)

    again = knowledge.learn(incident.number)

    assert again is False
    assert knowledge_entries(incident) == ["Knowledge base: ended without a recorded fix"]


def test_a_comment_after_the_end_is_nothing_new(incident, admin_user):
    resolve(incident)
    knowledge.learn(incident.number)

    lifecycle.comment(incident.number, text="well done", by=admin_user)

    assert knowledge.learn(incident.number) is False


def test_a_verification_that_comes_after_the_end_is_learnt(incident):
    resolve(incident)
    knowledge.learn(incident.number)

    record(incident)

    article = KnowledgeArticle.objects.get(incident=incident)
    assert "restart-service fixed it, verified" in article.body
    assert knowledge_entries(incident) == [
        "Knowledge base: ended without a recorded fix",
        "Knowledge base: restart-service fixed it, verified",
    ]


def test_what_a_person_wrote_is_left_alone(incident):
    resolve(incident)
    knowledge.learn(incident.number)
    KnowledgeArticle.objects.update(body="Ask Dana, she knows.")

    record(incident)

    assert KnowledgeArticle.objects.get().body == "Ask Dana, she knows."
    assert KnownFix.objects.get().successes == 1


def test_a_try_is_counted_once(incident):
    first = record(incident, "execution:7")
    again = record(incident, "execution:7")

    fix = KnownFix.objects.get()
    assert (first, again) == (True, False)
    assert (fix.successes, fix.failures) == (1, 0)
    assert fix.last_incident == incident
    assert fix.alert_name == "ServiceDown"


def test_successes_and_failures_are_counted_apart(incident):
    record(incident, "execution:7")
    record(incident, "execution:8", verified=False)
    record(incident, "execution:9", verified=False)

    fix = KnownFix.objects.get()
    assert (fix.successes, fix.failures) == (1, 2)


def test_a_fix_of_a_known_issue_is_counted_where_it_is_known(incident, shop):
    known = KnownFix.objects.create(
        classification="unknown",
        service=shop["checkout"],
        alert_name="ServiceDown",
        runbook="restart-service",
        successes=2,
    )
    incident.classification = "known_issue"
    incident.save()

    record(incident)

    known.refresh_from_db()
    assert known.successes == 3
    assert KnownFix.objects.count() == 1


def test_the_gravest_alert_of_the_suspected_service_stands_for_the_trouble(incident, shop):
    add_alert(incident, "GatewaySlow", shop["gateway"], severity="critical", after=-30)
    add_alert(incident, "Minor", shop["checkout"], severity="low", after=-20)

    record(incident)

    assert KnownFix.objects.get().alert_name == "ServiceDown"


def test_a_fix_for_no_service_is_one_row(shop):
    for reference in ("execution:1", "execution:2"):
        incident = open_incident(None)
        add_alert(incident, "Gremlins")
        record(incident, reference)

    assert KnownFix.objects.get().successes == 2


@pytest.mark.parametrize(
    "text",
    [
        "[click](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "<script>alert(1)</script>",
        "<https://evil.example>",
        "`code` **bold** _it_ ~~no~~",
        "# heading",
        "- item",
        "1. item",
        "--- \n=== \n> quote\n\n    code",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "https://evil.example www.evil.example a@evil.example",
        "&lt;b&gt; &#60;",
        "\\[x](y)",
        "[a]: https://evil.example",
        "\u202eabc\x00\x1b[31m",
    ],
)
def test_untrusted_text_stays_text(text):
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

    tokens = markdown.parse(f"- {escape_markdown(text)}\n")

    kinds = {token.type for token in tokens}
    inline = {child.type for token in tokens for child in token.children or []}
    assert kinds == {
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
        "inline",
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
    }
    assert inline <= {"text", "text_special"}


def test_escaped_text_reads_as_it_was_written():
    markdown = MarkdownIt("commonmark")

    html = markdown.render(escape_markdown("1. a_b* [x](y) #1 100%"))

    assert html == "<p>1. a_b* [x](y) #1 100%</p>\n"


def test_labels_in_an_article_do_not_become_markup(shop):
    incident = open_incident(shop["checkout"], title="[free](https://evil.example)")
    add_alert(incident, "<b>Down</b>", shop["checkout"], summary="line\n# heading")
    resolve(incident)
    knowledge.learn(incident.number)

    html = MarkdownIt("commonmark").render(KnowledgeArticle.objects.get().body)

    assert "<a" not in html
    assert "<b>" not in html
    assert html.count("<h2>") == 5
    assert "<h1>" not in html


def test_an_end_from_which_nothing_was_learnt_is_found_again(incident):
    resolve(incident)
    later = timezone.now() + timedelta(minutes=1)

    forgotten = knowledge.sweep(later)
    knowledge.learn(incident.number)

    assert forgotten == [incident.number]
    assert knowledge.sweep(later) == []
    assert knowledge.sweep(timezone.now()) == []


def test_articles_are_found_by_their_words_the_title_first(shop):
    write = KnowledgeArticle.objects.create
    body = write(title="Something else", body="The disk was full.")
    title = write(title="Disk is full", body="Make room.")
    write(title="Slow", body="Wait.")

    found = knowledge.search("FULL disk")

    assert found == [title, body]


@pytest.mark.parametrize("text", ["", "?", "%", "' OR 1=1 --", "_", "\x00", "a " * 5000])
def test_a_search_for_anything_finds_nothing_and_breaks_nothing(text):
    KnowledgeArticle.objects.create(title="Disk", body="Full")

    assert knowledge.search(text) == []


def test_a_search_gives_no_more_than_asked():
    for number in range(5):
        KnowledgeArticle.objects.create(title=f"Disk {number}", body="")

    assert len(knowledge.search("disk", limit=3)) == 3
