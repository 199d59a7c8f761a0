"""The WSGI entry point: `gunicorn -c ops/gunicorn.conf.py wsgi:app`, `flask --app wsgi …`."""

from hotel_agent import create_app

app = create_app()
