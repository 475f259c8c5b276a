"""python -m services.catalog"""

from services.catalog.service import running
from services.catalog.settings import Settings
from shared.runtime import load, run_service

if __name__ == "__main__":
    settings = load(Settings)
    run_service("catalog", settings, running(settings))
