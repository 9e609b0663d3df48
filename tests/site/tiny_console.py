"""Settings of the smallest console that `up` can run: its own pages, tasks and no domain."""

from pathlib import Path

from aiops_site import env

DATA_DIR = env.path("AIOPS_DATA_DIR", default=Path("/nonexistent"))
HOST = env.text("AIOPS_HOST", default="127.0.0.1")
PORT = env.integer("AIOPS_PORT", default=8000)
PUBLIC_URL = f"http://{HOST}:{PORT}"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
SECRET_KEY = env.secret_key(DATA_DIR, is_embedded=True)
DATABASES = {"default": env.database(f"sqlite:///{DATA_DIR / 'console.sqlite3'}", role="web")}
CHANNEL_LAYERS = env.channel_layers("embedded", data_dir=DATA_DIR)
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "tests.site.tiny_app.TinySite",
]
MIGRATION_MODULES = {"tiny": None}  # the site's are for its own label and its models
ROOT_URLCONF = "tests.site.tiny_pages"
ASGI_APPLICATION = "tests.site.tiny_pages.application"
SAMPLE_ESTATE_TOKENS = SAMPLE_ESTATE_STARTED = ""
TRUSTED_PROXIES = "127.0.0.1"
FIRST_RUN = ["tests.site.tiny_pages.explain_sign_in", "tests.site.tiny_pages.stay_silent"]
USE_TZ = True
CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = env.broker("embedded", data_dir=DATA_DIR)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "pipeline"
CELERY_TASK_ROUTES = {"tiny.sleep": {"queue": "execution"}}
CELERY_IMPORTS = ["tests.site.tiny_pages"]
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat.db")
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
