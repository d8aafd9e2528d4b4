"""Django's settings. Those that differ between two machines come from the environment.

Nothing has to be set to develop. ``WIRETAP=1`` shows staff the conversations of all
websockets, at /wiretap/. In production (``DEBUG=0``):

    SECRET_KEY            50 random characters, kept secret; no default
    ALLOWED_HOSTS         chat.example.org,www.example.org; no default
    CSRF_TRUSTED_ORIGINS  https://app.example.org, if pages of other origins may post
    DATABASE_URL          postgres://user:password@host:5432/name
    SOCKETS_REDIS_URL     redis://localhost:6379/0, for more than one worker
    METRICS_TOKEN         20 characters and more, if Prometheus may see /metrics

Source: https://docs.djangoproject.com/en/5.2/howto/deployment/checklist/
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from operations import environment

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = environment.switch("DEBUG", default=True)
SECRET_KEY = os.environ.get("SECRET_KEY", "")
ALLOWED_HOSTS = environment.hosts("ALLOWED_HOSTS")  # with DEBUG, [] means localhost
CSRF_TRUSTED_ORIGINS = environment.origins("CSRF_TRUSTED_ORIGINS")

if DEBUG and not SECRET_KEY:
    # A new key at each start, so that no key stands in a repository. It signs the
    # sessions: they end with the server, and two processes would not share them.
    SECRET_KEY = get_random_secret_key()
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set, and DEBUG=0 makes none up. Make one with:  python -c "
        '"import secrets; print(secrets.token_urlsafe(50))"'
    )
if not DEBUG and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set, and DEBUG=0 answers to no host by default. "
        "Name them, with commas between:  ALLOWED_HOSTS=chat.example.org"
    )

WIRETAP = environment.switch("WIRETAP", default=False)
if WIRETAP and not DEBUG:
    raise ImproperlyConfigured(
        "WIRETAP=1 shows everybody's messages to staff: it is for DEBUG=1 only."
    )

DATABASES = {
    "default": environment.database(
        os.environ.get("DATABASE_URL", "sqlite:///db.sqlite3"), BASE_DIR
    )
}

INSTALLED_APPS = [
    "sockets",  # before staticfiles: its runserver answers websockets, too
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "chat",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # the admin's own templates
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "websocket_app.urls"
ASGI_APPLICATION = "websocket_app.asgi.application"
SOCKETS = {  # sockets/conf.py has the rest
    "URLCONF": "websocket_app.websocket_urls",
    "REDIS_URL": environment.redis("SOCKETS_REDIS_URL"),
}
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "rooms"
LOGOUT_REDIRECT_URL = "rooms"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

# On stderr: the warnings of sockets/ and, in production, each websocket's beginning and
# end. In development uvicorn tells of those, and a notebook would be full of them.
LOG_CONNECTIONS = environment.switch("LOG_CONNECTIONS", default=not DEBUG)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "sockets": {"handlers": ["stderr"], "propagate": False},
        "sockets.connections": {"level": "INFO" if LOG_CONNECTIONS else "WARNING"},
    },
}

METRICS_TOKEN = environment.token("METRICS_TOKEN")  # whoever has it sees /metrics

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR.parent / "workshop" / "static"]  # the look of all stages
STATIC_ROOT = BASE_DIR / "static_collected"  # manage.py collectstatic fills it

if not DEBUG:
    # https only. A proxy in front ends TLS and says so in a header. uvicorn believes a
    # proxy on the same machine (--forwarded-allow-ips names others), and tells Django.
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers remember this for a year and for every subdomain: no way back to http.
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
