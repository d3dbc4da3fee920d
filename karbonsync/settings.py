"""All settings, in one flat file. Everything that differs per deployment comes from the environment (see README)."""

from pathlib import Path
from urllib.parse import urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()  # every secret may also come from NAME_FILE
env.read_env(BASE_DIR / ".env")

# --- where we run -----------------------------------------------------------------------------------------------------
SANDBOX_URL = env.str("SANDBOX_URL", default="").rstrip("/")
DEBUG = env.bool("DEBUG", default=False)
SITE_URL = env.str("SITE_URL", default="http://localhost:8000" if SANDBOX_URL or DEBUG else "").rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or ""
ALLOWED_HOSTS = sorted({SITE_HOST, "localhost", "127.0.0.1", "[::1]"} - {""})
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
HTTPS = SITE_URL.startswith("https://")

# The sandbox is a play world on loopback: its keys are public on purpose and good for nothing else.
SANDBOX_SECRET = "sandbox-only-secret-key-that-protects-nothing-of-value-anywhere"  # noqa: S105
SANDBOX_ENCRYPTION_KEY = "c2FuZGJveC1vbmx5LWtleS1ub3QtYS1zZWNyZXQtISE="
SECRET_KEY = env.str("SECRET_KEY", default=SANDBOX_SECRET if SANDBOX_URL else "insecure-not-configured")
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[SANDBOX_ENCRYPTION_KEY] if SANDBOX_URL else [])

# --- the two services -------------------------------------------------------------------------------------------------
XERO_CLIENT_ID = env.str("XERO_CLIENT_ID", default="sandbox" if SANDBOX_URL else "")
XERO_CLIENT_SECRET = env.str("XERO_CLIENT_SECRET", default="sandbox" if SANDBOX_URL else "")
XERO_WEBHOOK_KEYS = env.list("XERO_WEBHOOK_KEYS", default=["sandbox-xero-webhook-key"] if SANDBOX_URL else [])
XERO_LOGIN_URL = env.str("XERO_LOGIN_URL", default=f"{SANDBOX_URL}/xero/login" if SANDBOX_URL else "https://login.xero.com").rstrip("/")  # fmt: skip
XERO_IDENTITY_URL = env.str("XERO_IDENTITY_URL", default=f"{SANDBOX_URL}/xero/identity" if SANDBOX_URL else "https://identity.xero.com").rstrip("/")  # fmt: skip
XERO_API_URL = env.str("XERO_API_URL", default=f"{SANDBOX_URL}/xero/api" if SANDBOX_URL else "https://api.xero.com").rstrip("/")  # fmt: skip
KARBON_API_URL = env.str("KARBON_API_URL", default=f"{SANDBOX_URL}/karbon" if SANDBOX_URL else "https://api.karbonhq.com").rstrip("/")  # fmt: skip
KARBON_BEARER_TOKEN = env.str("KARBON_BEARER_TOKEN", default="5a9db0c5-5a9d-4b0c-8a9d-b0c55a9db0c5" if SANDBOX_URL else "")  # fmt: skip
KARBON_ACCESS_KEY = env.str("KARBON_ACCESS_KEY", default="sandbox.sandbox.sandbox" if SANDBOX_URL else "")
KARBON_WEBHOOK_KEY = env.str("KARBON_WEBHOOK_KEY", default="sandbox-karbon-webhook-key" if SANDBOX_URL else "")

# Calls a minute and a day that we allow ourselves; 0 = no limit (the sandbox has its own, on request).
XERO_CALLS_PER_MINUTE = env.int("XERO_CALLS_PER_MINUTE", default=0 if SANDBOX_URL else 55)
XERO_CALLS_PER_DAY = env.int("XERO_CALLS_PER_DAY", default=0 if SANDBOX_URL else 950)
XERO_CALLS_AT_ONCE = env.int("XERO_CALLS_AT_ONCE", default=0 if SANDBOX_URL else 5)
KARBON_CALLS_PER_MINUTE = env.int("KARBON_CALLS_PER_MINUTE", default=0 if SANDBOX_URL else 110)
KARBON_CALLS_PER_DAY = env.int("KARBON_CALLS_PER_DAY", default=0)
API_TIMEOUT_SECONDS = env.int("API_TIMEOUT_SECONDS", default=20)
# A request whose reply never came may still take effect this long after it was sent; then reading tells what happened.
SETTLE_AFTER_SECONDS = env.int("SETTLE_AFTER_SECONDS", default=API_TIMEOUT_SECONDS + 5)
READ_BACK_AFTER_SECONDS = env.float("READ_BACK_AFTER_SECONDS", default=1.1)
LEASE_SECONDS = env.int("LEASE_SECONDS", default=15)

# --- Django -----------------------------------------------------------------------------------------------------------
ROOT_URLCONF = "karbonsync.urls"
WSGI_APPLICATION = "karbonsync.wsgi.application"
INSTALLED_APPS = [
    "karbonsync",
    "contacts",
    "matching",
    "xero",
    "karbon",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_q",
    "axes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "karbonsync.security.content_security_policy",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
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
            ],
        },
    },
]

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'karbonsync.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Several processes write at once: WAL lets readers go on, IMMEDIATE makes writers queue instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
DATABASES["default"]["CONN_MAX_AGE"] = 60  # opening one costs more than most requests
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "static/"
# Served straight from the packages: nothing to collect, so a fresh clone needs no build step.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REDIRECT_EXEMPT = [r"^health$"]
X_FRAME_OPTIONS = "DENY"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="karbonsync@localhost")

# The task runner is only the bell: our tables hold the work. A failed task is never repeated by it, the next poll is.
Q_CLUSTER = {
    "name": "karbonsync",
    "orm": "default",
    "workers": 1,
    "timeout": 600,
    "retry": 700,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "poll": 0.2,  # what a webhook adds to the way of an edit, at most
    "save_limit": 200,
    "label": "Background tasks",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "axes": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "django_q": {"level": "WARNING"},
        "django-q": {"level": "WARNING"},
    },
}

FORMAT_MODULE_PATH = ["karbonsync.formats"]

# --- the look of the admin (django-unfold); what depends on the request is in karbonsync.admin_site -------------------
UNFOLD = {
    "SITE_TITLE": "KarbonSync",
    "SITE_HEADER": "KarbonSync",
    "SITE_SUBHEADER": "Xero and Karbon, the same",
    "SITE_SYMBOL": "sync_alt",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "karbonsync.admin_site.icon"}],
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["karbonsync.admin_site.stylesheet"],
    "SCRIPTS": ["karbonsync.admin_site.script"],
    "DASHBOARD_CALLBACK": "karbonsync.dashboard.overview",
    "SIDEBAR": {"navigation": "karbonsync.admin_site.navigation"},
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .013 236.6)",
            "100": "oklch(93.6% .03 237)",
            "200": "oklch(88.4% .058 235)",
            "300": "oklch(81% .1 233)",
            "400": "oklch(72% .13 236)",
            "500": "oklch(60% .14 243)",
            "600": "oklch(50% .134 246)",
            "700": "oklch(44.5% .119 247)",
            "800": "oklch(38.5% .098 248)",
            "900": "oklch(33% .075 249)",
            "950": "oklch(24.5% .056 250)",
        },
    },
}
