"""The settings of the site; in yours, only MODEL_SERVICE and the app "front" are new."""

import os

MODEL_SERVICE = os.environ.get("MODEL_SERVICE", "http://127.0.0.1:8000")

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "for development only")
DEBUG = "DJANGO_SECRET_KEY" not in os.environ
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["front"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "front.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL, MEDIA_URL = "static/", "media/"  # LiveServerTestCase needs them
