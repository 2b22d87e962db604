"""Django's commands: python manage.py runserver, python manage.py test."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "front.settings")
    execute_from_command_line(sys.argv)
