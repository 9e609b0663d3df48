"""One settings file; every choice comes from the environment, and the defaults fit a laptop."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext

from aiops_site import env

django_stubs_ext.monkeypatch()  # so that `ModelForm[Incident]` may be written where it is meant

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.path("AIOPS_DATA_DIR", default=BASE_DIR / "var")
ROLE = env.choice("AIOPS_ROLE", ["web", "worker", "beat"], default="web")

# Where we are
HOST = env.text("AIOPS_HOST", default="127.0.0.1")
PORT = env.integer("AIOPS_PORT", default=8000)
PUBLIC_URL = env.text("AIOPS_PUBLIC_URL", default=f"http://{HOST}:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = env.allowed_hosts("AIOPS_ALLOWED_HOSTS", public_host=_public.hostname or HOST)
TRUSTED_PROXIES = env.text("AIOPS_TRUSTED_PROXIES", default="127.0.0.1")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if IS_HTTPS else []
ENVIRONMENT = env.label("AIOPS_ENVIRONMENT")

# Where things are kept
DATABASE_URL = env.text("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'console.sqlite3'}")
_telemetry = f"sqlite:///{DATA_DIR / 'telemetry.sqlite3'}"
TELEMETRY_URL = env.text(
    "AIOPS_TELEMETRY_URL",
    default=_telemetry if DATABASE_URL.startswith("sqlite") else DATABASE_URL,
)
BROKER_URL = env.text("AIOPS_BROKER_URL", default="embedded")
CHANNEL_URL = env.text("AIOPS_CHANNEL_URL", default="embedded")
IS_EMBEDDED = DATABASE_URL.startswith("sqlite") and BROKER_URL == "embedded"
DATABASES = {"default": env.database(DATABASE_URL, role=ROLE)}
CHANNEL_LAYERS = env.channel_layers(CHANNEL_URL, data_dir=DATA_DIR)
SECRET_KEY = env.secret_key(DATA_DIR, is_embedded=IS_EMBEDDED)
SECRET_KEY_FALLBACKS = env.fallback_keys()
OUTBOUND_ALLOW = env.text("AIOPS_OUTBOUND_ALLOW", default="")
KEEP_METRICS_DAYS = env.integer("AIOPS_KEEP_METRICS_DAYS", default=15, least=1, most=36_500)
KEEP_ROLLUPS_DAYS = env.integer("AIOPS_KEEP_ROLLUPS_DAYS", default=400, least=1, most=36_500)
KEEP_LOGS_DAYS = env.integer("AIOPS_KEEP_LOGS_DAYS", default=7, least=1, most=36_500)
KEEP_TRACES_DAYS = env.integer("AIOPS_KEEP_TRACES_DAYS", default=3, least=1, most=36_500)
KEEP_TOPOLOGY_DAYS = env.integer("AIOPS_KEEP_TOPOLOGY_DAYS", default=30, least=1, most=36_500)
KEEP_MESSAGES_DAYS = env.integer("AIOPS_KEEP_MESSAGES_DAYS", default=30, least=1, most=36_500)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

DEBUG = False
INSTALLED_APPS = [
    "aiops_site",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_htmx",
    "channels",
    "telemetry",
    "incidents",
    "automation",
]
MIDDLEWARE = [
    "aiops_site.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "aiops_site.middleware.NulRefused",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "aiops_site.middleware.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "aiops_site.urls"
ASGI_APPLICATION = "aiops_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "aiops_site.shell.context",
                "aiops_site.environment.context",
            ],
        },
    }
]

# Sign-in
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "incidents"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESSION_ENGINE = "aiops_site.sessions"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if IS_HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if IS_HTTPS else "csrftoken"
CSRF_FAILURE_VIEW = "aiops_site.views.errors.forbidden"
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = (
    [] if IS_HTTPS else ["security.W004", "security.W008", "security.W012", "security.W016"]
)

# Files for browsers
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# What happens when the console starts
FIRST_RUN = [
    "aiops_site.setting_up.seed_runbooks",
    "aiops_site.setting_up.seed_rules",
    "aiops_site.setting_up.seed_dashboards",
    "aiops_site.setting_up.offer_sign_in",
]
SAMPLE_ESTATE_TOKENS = "aiops_site.sample_estate.register"
SAMPLE_ESTATE_STARTED = "aiops_site.sample_estate.connect"
OUTBOUND_OPENED_BY = ["aiops_site.sample_estate.opened_addresses"]

# The worker's doorbell
CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = env.broker(BROKER_URL, data_dir=DATA_DIR)
CELERY_TASK_DEFAULT_QUEUE = "pipeline"
CELERY_TASK_ROUTES = {"automation.tasks.run_execution": {"queue": "execution"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False  # a task is only a doorbell: what it finds to do is in the database
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat.db")
CELERY_BEAT_SCHEDULE = {
    "heartbeat-pipeline": {
        "task": "aiops_site.tasks.beat_heartbeat",
        "schedule": 10,
        "args": ["pipeline"],
    },
    "heartbeat-execution": {
        "task": "aiops_site.tasks.beat_heartbeat",
        "schedule": 10,
        "args": ["execution"],
        "options": {"queue": "execution"},
    },
    "drain-inbox": {"task": "incidents.tasks.drain_inbox", "schedule": 5},
    "forget-old-messages": {"task": "incidents.tasks.forget_old_messages", "schedule": 900},
    "wake-snoozed": {"task": "incidents.tasks.wake_snoozed", "schedule": 15},
    "sweep-analysis": {"task": "incidents.tasks.sweep_analysis", "schedule": 10},
    "renew-evidence": {"task": "incidents.tasks.renew_evidence", "schedule": 60},
    "sweep-knowledge": {"task": "incidents.tasks.sweep_knowledge", "schedule": 60},
    "sweep-bulk": {"task": "incidents.tasks.sweep_bulk", "schedule": 15},
    "sweep-executions": {"task": "automation.tasks.sweep_executions", "schedule": 5},
    "judge-new-points": {"task": "telemetry.tasks.judge_new_points", "schedule": 10},
    "check-sources": {"task": "telemetry.tasks.check_sources", "schedule": 60},
    "compact-metrics": {"task": "telemetry.tasks.compact_metrics", "schedule": 60},
    "forget-old-metrics": {"task": "telemetry.tasks.forget_old_metrics", "schedule": 3600},
    "forget-old-records": {"task": "telemetry.tasks.forget_old_records", "schedule": 900},
    "observe-topology": {"task": "telemetry.tasks.observe_topology", "schedule": 60},
    "forget-old-topology": {"task": "telemetry.tasks.forget_old_topology", "schedule": 3600},
    "forget-old-points": {"task": "telemetry.tasks.forget_old_points", "schedule": 900},
}

# The API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "aiops_site.authentication.TokenAuthentication",
        "aiops_site.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["telemetry.access.NobodyUnlessSaid"],
    "DEFAULT_PARSER_CLASSES": ["telemetry.parsing.SafeJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "telemetry.paging.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "aiops_site.api.problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Console API",
    "DESCRIPTION": "Alerts come in, incidents are worked on, remediations are approved.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": None,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "DEFAULT_GENERATOR_CLASS": "aiops_site.schema.Generator",
    "POSTPROCESSING_HOOKS": [],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
