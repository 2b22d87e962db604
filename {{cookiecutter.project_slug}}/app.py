"""What gunicorn serves: `gunicorn app:app`. Targets are in main.py."""

from mmf_core.web import create_app

app = create_app("main")
