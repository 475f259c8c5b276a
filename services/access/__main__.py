"""python -m services.access."""

from services.access.service import running
from services.access.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    settings = Settings()
    run_service("access", settings, running(settings))
