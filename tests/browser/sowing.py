"""The corpus wherever somebody else's text comes in, through the console's own doors."""

import json
import time
from pathlib import Path
from typing import Any, Self

import httpx

from tests.browser.markup import CORPUS

PRODUCTS = Path(__file__).parents[1] / "payloads"
INCIDENT, SHORT = 1, 90


class Sower:
    """An administrator's program, and the senders it connects under names of the corpus."""

    def __init__(self, console: Any, username: str) -> None:
        made = console.manage("create_token", "--user", username, "--name", CORPUS[0], "--json")
        headers = {"Authorization": f"Bearer {json.loads(made)['token']}"}
        self._http = httpx.Client(base_url=console.url, headers=headers, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        return self._http.get(f"/api/v1/{path}").raise_for_status().json()

    def send(self, verb: str, path: str, **body: Any) -> Any:
        answer = self._http.request(verb, f"/api/v1/{path}", json=body)
        assert answer.is_success, (path, body, answer.text)
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        return self.send("POST", path, **body)

    def deliver(self, provider: str, path: str, body: Any) -> None:
        name = f"{provider} {CORPUS[len(provider)]}"[:100]
        token = self.post("integrations/", provider=provider, name=name)["token"]
        wait_until(lambda: self._is_kept(path, body, token))

    def _is_kept(self, path: str, body: Any, token: str) -> bool:
        """503 asks a sender to send it again."""
        answer = self._http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.is_success or answer.status_code == 503, answer.text
        return answer.is_success


def sow_alerts(sower: Sower) -> None:
    """By webhook: names, labels, annotations, addresses, services."""
    hook = "/api/v1/webhooks/{}/"
    alerts = [_alert(text, number) for number, text in enumerate(CORPUS)]
    group = {"version": "4", "status": "firing", "alerts": alerts}
    sower.deliver("alertmanager", hook.format("alertmanager"), group)
    grafana = json.loads((PRODUCTS / "grafana" / "unified.json").read_text())
    grafana["alerts"] = [
        each | {"panelURL": text} for each, text in zip(alerts, CORPUS, strict=True)
    ]
    sower.deliver("grafana", hook.format("grafana"), grafana)
    event = dict.fromkeys(("title", "message", "url", "host", "service"), CORPUS[4])
    sower.deliver("generic", hook.format("generic"), event)
    wait_until(lambda: len(sower.get("alerts/?limit=1000")["results"]) >= 2 * len(CORPUS))


def _alert(text: str, number: int) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {
            "alertname": text,
            "service": "marked" if number % 2 else text,
            "severity": "critical",
            "text": text,
            f"label{number}": text,
        },
        "annotations": {"summary": text, "description": text, "runbook_url": text, text[:60]: text},
        "startsAt": "2026-11-20T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": text,
    }


def sow_metrics(sower: Sower) -> None:
    """By OTLP: services, metrics, units, attributes."""
    now = time.time_ns()
    points = [{"timeUnixNano": str(now - ago * 10**9), "asDouble": ago} for ago in (20, 10, 0)]
    body = {"resourceMetrics": [_measured(text, points) for text in CORPUS]}
    sower.deliver("otlp", "/v1/metrics", body)


def _measured(text: str, points: list[dict[str, Any]]) -> dict[str, Any]:
    attribute = {"key": text[:60], "value": {"stringValue": text}}
    kept = [point | {"attributes": [attribute]} for point in points]
    names = [{"key": "service.name", "value": {"stringValue": text}}]
    metrics = [
        {"name": text[:120], "unit": text[:20], "gauge": {"dataPoints": kept}},
        {"name": "marked.depth", "unit": text[:20], "gauge": {"dataPoints": kept}},
    ]
    return {"resource": {"attributes": names}, "scopeMetrics": [{"metrics": metrics}]}


def sow_words(sower: Sower) -> None:
    """What people write: comments, titles, articles, services, rules, views, policies."""
    for text in CORPUS:
        sower.post(f"incidents/{INCIDENT}/comment/", text=text)
        sower.post("knowledge/", title=text[:300], body=f"# {text}\n\n- {text}\n\n{text}")
    sower.post("knowledge/", title="All of it", body="\n\n".join(CORPUS), service="marked")
    sower.post(f"incidents/{INCIDENT}/title/", title=CORPUS[0])
    owned = {"name": CORPUS[4][:100], "owner": CORPUS[16][:100], "description": "\n".join(CORPUS)}
    sower.send("PATCH", "services/marked/", **owned)
    sower.post("correlation-rules/", name=CORPUS[7][:SHORT], group_by=[CORPUS[8]])
    sower.post("saved-views/", name=CORPUS[4][:60], query="is:open", is_shared=True)
    sower.post("automation/pause/", reason=CORPUS[4])


def sow_runbook(sower: Sower) -> None:
    """Descriptions, reasons and the plan that comes of them."""
    text = Path("automation/runbooks/restart-service.yaml").read_text()
    marked = json.dumps("".join(CORPUS[:8])[:480])
    lines = [line for line in text.splitlines() if not line.startswith("description:")]
    lines = ["name: marked" if line.startswith("name:") else line for line in lines]
    document = "\n".join([*lines, f"description: {marked}"])
    sower.post("runbooks/", text=document, reason=CORPUS[4])
    sower.post("runbooks/marked/publish/", version=1)
    parameters = {"service": "checkout"}
    sower.post("remediations/", incident=INCIDENT, runbook="marked", parameters=parameters)
    matching = {"when": {"matchers": [f"text={CORPUS[4]}"]}, "then": {"runbook": "marked"}}
    sower.post("policies/", name="marked", mode="suggest", **matching)


def rename(console: Any, username: str, password: str) -> None:
    """People have names too, and an administrator can set them to anything."""
    with httpx.Client(base_url=console.url, timeout=20, follow_redirects=True) as http:
        page = http.get("/login/")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": _csrf(http)}
        http.post("/login/", data=form, headers={"Referer": str(page.url)})
        at = "/admin/auth/user/1/change/"
        facts = {"username": username, "first_name": CORPUS[4], "last_name": CORPUS[14]}
        facts |= {"is_active": "on", "is_staff": "on", "is_superuser": "on", "_save": "Save"}
        facts |= {"date_joined_0": "2026-11-20", "date_joined_1": "10:00:00"}
        http.get(at)
        done = http.post(at, data=facts | {"csrfmiddlewaretoken": _csrf(http)})
    assert "was changed successfully" in done.text, done.text[:2000]


def _csrf(http: httpx.Client) -> str:
    return http.cookies["csrftoken"]


def wait_until(condition: Any, *, seconds: float = 30) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"not within {seconds} s"
        time.sleep(0.2)
