"""The WSGI entry point: `gunicorn -c ops/gunicorn.conf.py wsgi:app`, `flask --app wsgi …`."""

from hotel_agent import create_app
from hotel_agent.errors import ConfigurationError

try:
    app = create_app()
except ConfigurationError as error:
    raise SystemExit(f"Error: {error}") from None
