import multiprocessing
import stat

import pytest
from django.core.exceptions import ImproperlyConfigured

from aiops_site import env

STRONG = "qP3-vX9_kL2mN8bR5tY7wZ1cD4fG6hJ0sA-eU_iO3pQ2rS5tV8xB"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("AIOPS_SECRET_KEY", raising=False)
    monkeypatch.delenv("AIOPS_SECRET_KEY_FILE", raising=False)


def make_key(folder, results):
    results.put(env.secret_key(folder, is_embedded=True))


def test_a_number_out_of_range_is_refused_with_its_name(monkeypatch):
    monkeypatch.setenv("AIOPS_PORT", "70000")

    with pytest.raises(ImproperlyConfigured, match=r"AIOPS_PORT is '70000'.*0 to 65535"):
        env.integer("AIOPS_PORT", 8000, most=65535)


def test_an_unknown_choice_is_answered_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("ESTATE", "smaple")

    with pytest.raises(
        ImproperlyConfigured, match=r"ESTATE is 'smaple'. Choose one of sample, none"
    ):
        env.choice("ESTATE", ["sample", "none"], "sample")


@pytest.mark.parametrize(("word", "meaning"), [("yes", True), ("0", False), ("OFF", False)])
def test_a_boolean_is_a_word_people_use(monkeypatch, word, meaning):
    monkeypatch.setenv("FLAG", word)

    assert env.boolean("FLAG", default=not meaning) is meaning


def test_a_boolean_that_is_neither_is_refused(monkeypatch):
    monkeypatch.setenv("FLAG", "maybe")

    with pytest.raises(ImproperlyConfigured, match="FLAG is 'maybe'"):
        env.boolean("FLAG", default=True)


def test_a_secret_comes_from_the_file_that_is_named(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "secret"))

    assert env.secret("TOKEN") == "hush"


def test_a_secret_given_twice_is_refused(monkeypatch):
    monkeypatch.setenv("TOKEN", "a")
    monkeypatch.setenv("TOKEN_FILE", "/b")

    with pytest.raises(ImproperlyConfigured, match="TOKEN and TOKEN_FILE are both set"):
        env.secret("TOKEN")


def test_a_secret_file_that_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("TOKEN_FILE", "/nonexistent/token")

    with pytest.raises(ImproperlyConfigured, match="TOKEN_FILE names /nonexistent/token"):
        env.secret("TOKEN")


def test_the_embedded_key_is_made_once_for_its_owner_only(tmp_path):
    folder = tmp_path / "var"

    first, second = (env.secret_key(folder, is_embedded=True) for _ in range(2))

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == ["secret.key"]


def test_processes_that_start_together_agree_on_the_key(tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    makers = [context.Process(target=make_key, args=(tmp_path, results)) for _ in range(4)]

    for maker in makers:
        maker.start()
    keys = {results.get(timeout=30) for _ in makers}
    for maker in makers:
        maker.join()

    assert len(keys) == 1


def test_a_key_that_is_gone_is_not_replaced_while_its_database_is_there(tmp_path):
    key = env.secret_key(tmp_path, is_embedded=True)
    (tmp_path / "console.sqlite3").touch()
    again = env.secret_key(tmp_path, is_embedded=True)

    (tmp_path / "secret.key").unlink()

    assert again == key
    with pytest.raises(ImproperlyConfigured, match=r"secret\.key is gone.*from the backup"):
        env.secret_key(tmp_path, is_embedded=True)
    assert not (tmp_path / "secret.key").exists()


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    env.secret_key(tmp_path, is_embedded=True)
    (tmp_path / "secret.key").chmod(0o644)

    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        env.secret_key(tmp_path, is_embedded=True)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "is not set"),
        ("short", "is too weak"),
        ("abab" * 30, "is too weak"),
        (f"changeme-{STRONG}", "is a sample value"),
        (f"django-insecure-{STRONG}", "is a sample value"),
    ],
)
def test_other_modes_refuse_a_key_that_protects_nothing(monkeypatch, tmp_path, key, reason):
    monkeypatch.setenv("AIOPS_SECRET_KEY", key)

    with pytest.raises(ImproperlyConfigured, match=f"AIOPS_SECRET_KEY {reason}") as refusal:
        env.secret_key(tmp_path, is_embedded=False)

    assert not key or key not in str(refusal.value)


def test_a_strong_key_is_taken_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("AIOPS_SECRET_KEY", STRONG)

    assert env.secret_key(tmp_path, is_embedded=False) == STRONG


def test_keys_of_the_time_before_come_from_a_list_or_a_file(monkeypatch, tmp_path):
    (tmp_path / "keys").write_text(f"{STRONG}\n{STRONG}2\n")
    monkeypatch.setenv("AIOPS_SECRET_KEY_FALLBACKS", f"{STRONG}, {STRONG}2,")
    listed = env.fallback_keys()
    monkeypatch.delenv("AIOPS_SECRET_KEY_FALLBACKS")
    monkeypatch.setenv("AIOPS_SECRET_KEY_FALLBACKS_FILE", str(tmp_path / "keys"))

    assert listed == env.fallback_keys() == [STRONG, f"{STRONG}2"]


def test_without_a_rotation_there_is_no_older_key():
    assert env.fallback_keys() == []


def test_an_older_key_that_protects_nothing_is_refused_unrepeated(monkeypatch):
    monkeypatch.setenv("AIOPS_SECRET_KEY_FALLBACKS", f"{STRONG},changeme")

    with pytest.raises(ImproperlyConfigured, match="AIOPS_SECRET_KEY_FALLBACKS is too weak") as no:
        env.fallback_keys()

    assert "changeme" not in str(no.value)


def test_every_host_is_no_host(monkeypatch):
    monkeypatch.setenv("AIOPS_ALLOWED_HOSTS", "console.test, *")

    with pytest.raises(ImproperlyConfigured, match="AIOPS_ALLOWED_HOSTS"):
        env.allowed_hosts("AIOPS_ALLOWED_HOSTS", public_host="console.test")


def test_sqlite_commits_survive_a_power_cut_and_writers_queue_up(tmp_path):
    options = env.database(f"sqlite:///{tmp_path}/a.sqlite3", role="web")["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 5
    assert "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;" in options["init_command"]


def test_a_postgres_address_may_hold_any_password():
    database = env.database(
        "postgres://ops:p%40ss%2F@db.test:5433/console?sslmode=require", role="web"
    )

    assert (database["USER"], database["PASSWORD"]) == ("ops", "p@ss/")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.test", "5433", "console")
    assert database["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(("role", "limit"), [("web", 5_000), ("worker", 60_000), ("beat", 5_000)])
def test_postgres_gives_up_on_statements_by_role(role, limit):
    options = env.database("postgres://db.test/console", role=role)["OPTIONS"]

    assert f"-c statement_timeout={limit}" in options["options"]
    assert "-c lock_timeout=2000" in options["options"]
    assert options["connect_timeout"] == 2


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "postgres://u:secret@h:port/d", "sqlite://"]
)
def test_an_unknown_database_is_refused_without_repeating_the_password(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refusal:
        env.database(url, role="web")

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["redis://h", "amqp://h"])
def test_a_broker_that_is_frozen_holds_nobody_for_long(tmp_path, url):
    address, options = env.broker(url, data_dir=tmp_path)

    assert address == url
    assert {value for name, value in options.items() if name.endswith("connect_timeout")} == {2}


def test_an_unknown_broker_or_channel_address_is_refused(tmp_path):
    with pytest.raises(ImproperlyConfigured, match="AIOPS_BROKER_URL"):
        env.broker("sqs://x", data_dir=tmp_path)
    with pytest.raises(ImproperlyConfigured, match="AIOPS_CHANNEL_URL"):
        env.channel_layers("amqp://x", data_dir=tmp_path)


def test_the_embedded_broker_and_layer_live_in_the_data_folder(tmp_path):
    address, options = env.broker("embedded", data_dir=tmp_path)
    layer = env.channel_layers("embedded", data_dir=tmp_path)["default"]

    assert address == "spool://localhost"
    assert options["folder"] == str(tmp_path / "broker")
    assert layer["CONFIG"] == {"folder": str(tmp_path / "run")}
